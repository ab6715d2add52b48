package core

import "slices"

// Role is a set of permissions, defined in policies/.
type Role string

// The roles of the contract.
const (
	RoleAdmin     Role = "admin"
	RoleDeveloper Role = "developer"
	RoleViewer    Role = "viewer"
	RoleProducer  Role = "producer"
	RoleConsumer  Role = "consumer"
)

// Action names one thing a principal can do; policies/ grants them to roles.
type Action string

// The actions there are.
const (
	ActionIngest       Action = "events:ingest"
	ActionReadEvents   Action = "events:read"
	ActionExportEvents Action = "events:export"
	ActionReadStreams  Action = "streams:read"
	ActionWriteStreams Action = "streams:write"
	ActionConsume      Action = "events:consume"
	ActionReadGroups   Action = "groups:read"
	ActionWriteGroups  Action = "groups:write"
	ActionReadLetters  Action = "deadletters:read"
	ActionWriteLetters Action = "deadletters:write"
	ActionReadKeys     Action = "keys:read"
	// ActionWriteKeys is for API keys and service tokens: a developer's own, all
	// for an admin, who also has ActionManageKeys.
	ActionWriteKeys         Action = "keys:write"
	ActionManageKeys        Action = "keys:manage"
	ActionReadUsers         Action = "users:read"
	ActionWriteUsers        Action = "users:write"
	ActionReadOrganization  Action = "organization:read"
	ActionWriteOrganization Action = "organization:write"
	// ActionCreateOrganizations is for admins of the installation's first
	// organization.
	ActionCreateOrganizations Action = "organizations:create"
	ActionReadAudit           Action = "audit:read"
)

// Actions lists every action, for the tests and tables that must cover all.
var Actions = []Action{
	ActionIngest, ActionReadEvents, ActionExportEvents, ActionReadStreams, ActionWriteStreams,
	ActionConsume, ActionReadGroups, ActionWriteGroups, ActionReadLetters, ActionWriteLetters,
	ActionReadKeys, ActionWriteKeys, ActionManageKeys, ActionReadUsers, ActionWriteUsers,
	ActionReadOrganization, ActionWriteOrganization, ActionCreateOrganizations, ActionReadAudit,
}

// Roles lists every role.
var Roles = []Role{RoleAdmin, RoleDeveloper, RoleViewer, RoleProducer, RoleConsumer}

// Principal is who makes a request.
type Principal struct {
	Org ID
	// Key is the API key or service token that was presented, User the person
	// who signed in: one of the two.
	Key  ID
	User ID
	// Session is the sign-in that a user's request belongs to.
	Session ID
	Label   string
	Role    Role
	// Streams narrows the principal to these streams; empty is all of the
	// organization's.
	Streams []ID
	// DefaultStream is where the principal's events go that name no stream; zero
	// is none.
	DefaultStream ID
	// Limit bounds the principal's requests in place of what its kind is bound
	// by; zero changes nothing.
	Limit Limit
}

// Creator is what keys have as CreatedBy that a principal makes.
func (p Principal) Creator() ID {
	if !p.User.IsZero() {
		return p.User
	}
	return p.Key
}

// Authorize holds a principal to its role and, where the action is about a
// stream, to the streams it was narrowed to.
func Authorize(authorizer Authorizer, who Principal, action Action, stream ID) error {
	if err := authorizer.Allow(who, who.Org, action); err != nil {
		return err
	}
	return Narrowed(who, stream)
}

// Narrowed refuses a stream that the principal was not narrowed to.
func Narrowed(who Principal, stream ID) error {
	if len(who.Streams) > 0 && !stream.IsZero() && !slices.Contains(who.Streams, stream) {
		return Errorf(CodeForbidden, "this API key is limited to other streams")
	}
	return nil
}
