package main

import _ "embed" // of the introduction

// introduction says once what holds of all operations. The page for people has it as sections.
//
//go:embed introduction.md
var introduction string

// tags are the groups of operations, in the order of the page, by how their paths begin
// behind the prefix.
var tags = []struct{ name, says, paths string }{
	{"Events in", "Store events.", "POST /streams/{stream}/events POST /events POST /streams/{stream}/validate"},
	{"Events out", "Look at events, follow them, take them along.", "GET /streams/{stream}/events GET /events"},
	{"Consumer groups", "Take events under a lease, and settle them.", "/streams/{stream}/consumer-groups /consumer-groups"},
	{"Processors", "Have the server filter, transform and send events on.", "/streams/{stream}/processors /processors /deliveries"},
	{"Dead letters", "What could not be processed, and another try.", "/dead-letters"},
	{"Schemas", "What payloads must look like, and what did not.", "/streams/{stream}/schemas /streams/{stream}/quarantine"},
	{"Streams", "Where events are kept.", "/streams"},
	{"Sources", "Take in what senders of webhooks send.", "/sources /in/"},
	{"Credentials", "Keys and tokens of programs.", "/api-keys /service-tokens"},
	{"Signing in", "For people.", "/auth"},
	{"Users and organizations", "Who may do what.", "/users /organizations /roles /audit /summary"},
	{"Server", "The server itself.", ""},
}
