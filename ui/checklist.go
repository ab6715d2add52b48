package ui

// step is one of the steps to the first consumed event.
type step struct {
	done            bool
	what, how, href string
}

// checklist returns the steps, or nil after the last one.
func checklist(now overall) []step {
	sum := now.Sum
	if sum.Consumed && sum.Stored > 0 {
		return nil
	}
	publish, consumers := "/publish", "/streams"
	if len(sum.Busiest) > 0 {
		publish, consumers = "/publish?stream="+queryEscape(sum.Busiest[0].Name), address("/streams/{stream}/consumers", sum.Busiest[0].Name)
	}
	group := "/consumers"
	if len(sum.Furthest) > 0 {
		group = address("/consumers/{stream}/{group}", sum.Furthest[0].StreamName, sum.Furthest[0].Name)
	}
	return []step{
		{sum.Streams > 0, "Create a stream", "Stores your events in order.", "/streams/new"},
		{now.Keys > 0, "Create an API key", "Your application sends events with it.", "/settings/api-keys"},
		{sum.Stored > 0, "Send an event", "With curl, a client or the dashboard.", publish},
		{sum.Groups > 0, "Create a consumer group", "It receives every event at least once.", consumers},
		{sum.Consumed, "Consume and acknowledge it", "The page of the group has the commands.", group},
	}
}
