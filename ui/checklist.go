package ui

// step is one of the way to the first consumed event.
type step struct {
	done            bool
	what, how, href string
}

// checklist is the way that is left, or nil when it is done.
func checklist(now overall) []step {
	sum := now.Sum
	if sum.Consumed && sum.Stored > 0 {
		return nil
	}
	publish, consumers := "/publish", "/streams"
	if len(sum.Busiest) > 0 {
		publish, consumers = "/publish?stream="+queryEscape(sum.Busiest[0].Name), address("/streams/{stream}/consumers", sum.Busiest[0].Name)
	}
	return []step{
		{sum.Streams > 0, "Create a stream", "It holds your events, in order.", "/streams/new"},
		{now.Keys > 0, "Create an API key", "Your application presents it.", "/settings/api-keys"},
		{sum.Stored > 0, "Send an event", "With curl, a client, or from here.", publish},
		{sum.Groups > 0, "Create a consumer group", "It gets every event at least once.", consumers},
		{sum.Consumed, "Consume and acknowledge it", "eventflow try does all of this in a second.", "/consumers"},
	}
}
