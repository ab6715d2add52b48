package ui

import (
	"github.com/eventflow-go/eventflow/core"
)

// place is an entry of the rail.
type place struct {
	path, name, icon string
	action           core.Action
}

var places = []place{
	{"/", "Home", "home", core.ActionReadStreams},
	{"/streams", "Streams", "stream", core.ActionReadStreams},
	{"/events", "Events", "event", core.ActionReadEvents},
	{"/consumers", "Consumers", "consumer", core.ActionReadGroups},
	{"/dead-letters", "Dead letters", "dead", core.ActionReadLetters},
	{"/publish", "Publish", "publish", core.ActionIngest},
	{"/settings/api-keys", "API keys", "key", core.ActionReadKeys},
	{"/settings/tokens", "Service tokens", "token", core.ActionReadKeys},
	{"/settings/users", "Users", "user", core.ActionReadUsers},
	{"/settings/roles", "Roles", "role", ""},
	{"/audit", "Audit trail", "audit", core.ActionReadAudit},
	{"/system", "System", "system", ""},
}

// apart are the places with which another kind of them begins.
var apart = []string{"/settings/api-keys", "/audit"}

// firstPlaces is how many of them a phone shows without asking for more.
const firstPlaces = 4
