//go:build !js

package ui

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// The users of these tests: two are Ann, in two organizations.
var (
	ann   = rest.Me{User: &core.User{ID: core.ID{1}, Email: "ann@example.com"}}
	bob   = rest.Me{User: &core.User{ID: core.ID{2}, Email: "bob@example.com"}}
	guest = rest.Me{User: &core.User{ID: core.ID{3}, Email: "ann@example.com"}}
)

// text is what the browser keeps of a value.
func text(value any) string {
	encoded, _ := json.Marshal(value) // these values always can be
	return string(encoded)
}

// A tab lets go when its user has signed out in another one, or somebody else is signed
// in there. It keeps its page when a session has merely expired.
func TestATabLetsGo(t *testing.T) {
	t.Parallel()
	for name, tab := range map[string]struct {
		key, kept string
		me        rest.Me
		left      bool
	}{
		"the user signs out":       {outKey, text(time.Now()), ann, true},
		"somebody else signs in":   {meKey, text(bob), ann, true},
		"the user signs in again":  {meKey, text(ann), ann, false},
		"the session has expired":  {meKey, "", ann, false},
		"a list is kept":           {keptPrefix + "streams", text(bob), ann, false},
		"all is cleared":           {"", "", ann, false},
		"nobody is signed in here": {outKey, text(time.Now()), rest.Me{}, false},
		"nonsense is kept":         {meKey, "{", ann, false},
	} {
		require.Equal(t, tab.left, leftElsewhere(tab.key, tab.kept, tab.me), name)
		require.False(t, switchedElsewhere(tab.key, tab.kept, tab.me), name)
	}
}

// A tab follows its user to another organization.
func TestATabFollowsASwitch(t *testing.T) {
	t.Parallel()
	require.True(t, switchedElsewhere(meKey, text(guest), ann))
	require.False(t, switchedElsewhere(meKey, text(guest), bob))
	require.False(t, switchedElsewhere(outKey, text(guest), ann))
}

// The browser keeps the lists that were seen last, so many and for so long.
func TestKeptListsAreBounded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	index := keptIndex{}
	for i := range maxLists + 5 {
		index[string(rune('a'+i))] = now.Add(-time.Duration(i) * time.Second)
	}
	index["old"] = now.Add(-keptFor - time.Second)
	drop := index.bound(now)
	require.Len(t, index, maxLists)
	require.Len(t, drop, 6)
	require.Contains(t, drop, "old")
	for i := range maxLists {
		require.Contains(t, index, string(rune('a'+i)), "the newest stay")
	}
	require.Empty(t, index.bound(now))
	require.Len(t, index.bound(now.Add(keptFor+time.Minute)), maxLists, "in the end none is left")
}
