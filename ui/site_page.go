//go:build !js

package ui

import (
	"bytes"
	"regexp"
	"slices"
)

var (
	// openTag is a tag with its attributes, as go-app writes them.
	openTag   = regexp.MustCompile(`<([a-z][a-z0-9-]*)((?: [a-zA-Z:-]+(?:="(?:[^"\\]|\\.)*")?)+)>`)
	attribute = regexp.MustCompile(` [a-zA-Z:-]+(?:="(?:[^"\\]|\\.)*")?`)
	// forRobots are tags for social networks. They hold the page's address as it is seen
	// from outside, which the server does not know.
	forRobots = regexp.MustCompile(`(?m)^ *<meta [^>]*property="og:[^>]*>\n`)
)

// tidy sorts the attributes of the page, which go-app writes in any order. The page is
// the same at every start and on every node then.
func tidy(page []byte) []byte {
	page = openTag.ReplaceAllFunc(page, func(tag []byte) []byte {
		parts := openTag.FindSubmatch(tag)
		attributes := attribute.FindAll(parts[2], -1)
		slices.SortFunc(attributes, bytes.Compare)
		return slices.Concat([]byte("<"), parts[1], bytes.Join(attributes, nil), []byte(">"))
	})
	return forRobots.ReplaceAll(page, nil)
}

// notBuilt is the page of a build without the program.
const notBuilt = `<!doctype html>
<html lang="en">
<head><meta charset="UTF-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>EventFlow</title></head>
<body>
<h1>EventFlow</h1>
<p>The server is running, but this build has no dashboard: run <code>make build</code> and restart the server.</p>
</body>
</html>
`
