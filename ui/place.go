package ui

import (
	"github.com/eventflow-go/eventflow/core"
)

// place is a page that the rail and the palette lead to.
type place struct {
	path, name, icon string
	action           core.Action
	// more tells places of one name apart. It may be empty.
	more string
}

// places are all places, in the order of the rail.
var places = []place{
	{"/", "Home", "home", core.ActionReadStreams, ""},
	{"/streams", "Streams", "stream", core.ActionReadStreams, ""},
	{"/events", "Events", "event", core.ActionReadEvents, ""},
	{"/consumers", "Consumers", "consumer", core.ActionReadGroups, ""},
	{"/processors", "Processors", "processor", core.ActionReadProcessors, ""},
	{"/dead-letters", "Dead letters", "dead", core.ActionReadLetters, ""},
	{"/publish", "Publish", "publish", core.ActionIngest, ""},
	{"/sources", "Sources", "source", core.ActionReadSources, ""},
	{"/settings/api-keys", "API keys", "key", core.ActionReadKeys, ""},
	{"/settings/tokens", "Service tokens", "token", core.ActionReadKeys, ""},
	{"/settings/users", "Users", "user", core.ActionReadUsers, ""},
	{"/settings/usage", "Usage", "usage", core.ActionReadUsers, ""},
	{"/settings/roles", "Roles", "role", "", ""},
	{"/audit", "Audit trail", "audit", core.ActionReadAudit, ""},
	{"/system", "System", "system", "", ""},
}

// apart are the paths of the places that begin a new group in the rail.
var apart = []string{"/settings/api-keys", "/audit"}

// firstPlaces is the number of places that a phone shows. The others are behind a
// button.
const firstPlaces = 4
