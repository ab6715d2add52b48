package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest/reference"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
)

// The document is what the routes, the types and their comments say now. Every route is in it,
// because one of which nothing is said cannot be written.
func TestTheReferenceIsUpToDate(t *testing.T) {
	t.Parallel()
	root, err := moduleRoot()
	require.NoError(t, err)
	for place, write := range files {
		want, err := write(root)
		require.NoError(t, err)
		kept, err := os.ReadFile(filepath.Join(root, place))
		require.NoError(t, err)
		if string(kept) != string(want) {
			t.Fatalf("%s is of yesterday: run `go generate ./adapters/rest/reference`.\nIt differs first at:\n%s", place, difference(string(kept), string(want)))
		}
	}
}

// difference is the first line in which two texts differ.
func difference(kept, want string) string {
	before, after := strings.Split(kept, "\n"), strings.Split(want, "\n")
	for i := range min(len(before), len(after)) {
		if before[i] != after[i] {
			return "- " + before[i] + "\n+ " + after[i]
		}
	}
	return "the end"
}

func TestTheReferenceHasTheRoutesAndNoOthers(t *testing.T) {
	t.Parallel()
	document, err := reference.Read()
	require.NoError(t, err)
	var said, there, known []string
	for _, path := range document.Paths {
		for _, method := range path.Value {
			said = append(said, strings.ToUpper(method.Name)+" "+path.Name)
			require.NotEmpty(t, method.Value.Summary, path.Name)
		}
	}
	for _, route := range server.Routes() {
		there = append(there, route.Method+" "+pathOf(route.Path))
	}
	for route := range operations {
		known = append(known, route)
	}
	require.ElementsMatch(t, there, said)
	require.ElementsMatch(t, there, known, "operations has a route that is not there")
}

// What is said of types and members that are not there any more is found.
func TestNothingIsSaidOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	document, err := reference.Read()
	require.NoError(t, err)
	member := func(name, member string) bool {
		schema, found := document.Components.Schemas.Get(name)
		require.True(t, found, "there is no type %s", name)
		_, found = schema.Properties.Get(member)
		return found
	}
	for names := range limits {
		for name := range strings.FieldsSeq(names) {
			holder, field, _ := strings.Cut(name, ".")
			require.True(t, member(holder, field), name)
		}
	}
	for _, said := range []map[string][]string{needed, sometimes} {
		for name, members := range said {
			for _, field := range members {
				require.True(t, member(name, field), "%s.%s", name, field)
			}
		}
	}
	for _, tag := range tags {
		for _, o := range document.Tags {
			require.NotEmpty(t, o.Description, tag.name)
		}
	}
}

func TestTheReferenceIsValidOpenAPI(t *testing.T) {
	t.Parallel()
	file, err := reference.JSON()
	require.NoError(t, err)
	document, err := openapi3.NewLoader().LoadFromData(file.Body)
	require.NoError(t, err)
	require.True(t, document.IsOpenAPI31OrLater())
	require.NoError(t, document.Validate(t.Context()))
}

// Comments are for people who read the source. What they say to others is in plain words.
func TestCommentsAreReadByOthers(t *testing.T) {
	t.Parallel()
	c := &comments{values: map[string]string{"core.MaxX": "17"}}
	for text, want := range map[string]string{
		"RetentionDays is at most [MaxX]\nby default.": "`retention_days` is at most 17 by default.",
		"See [core.MaxX] and [Client.Ack].\n\nMore.":   "See 17 and Ack.\n\nMore.",
	} {
		require.Equal(t, want, c.plain("core.", text, map[string]string{"RetentionDays": "retention_days"}))
	}
	require.Equal(t, "Stores one event.", sentence("postEvent", "postEvent stores one\nevent. It is the hot path.\n"))
}
