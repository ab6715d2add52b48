// Package policies holds who may do what, in Casbin's language.
package policies

import _ "embed" // for the files below

// Model is the form of a policy.
//
//go:embed model.conf
var Model string

// Policy grants actions to roles.
//
//go:embed policy.csv
var Policy string
