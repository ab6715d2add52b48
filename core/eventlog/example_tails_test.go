package eventlog_test

import (
	"context"
	"fmt"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// How do I watch a stream live? A tail begins at the stream's end, or behind an
// offset, and Next waits for what comes. Whoever has to process every event consumes
// it as a group instead.
func ExampleTails_Follow() {
	e := openEmbedded()
	defer e.close()
	ctx := context.Background()
	must(e.streams.Create(ctx, ann, core.StreamSpec{Name: "orders"}))
	must(e.send("orders", `{"event_type": "order.paid", "payload": "too early to be seen"}`))

	tail := must(e.tails.Follow(ctx, ann, "orders", eventlog.TailSpec{Filter: core.Filter{Type: "order.paid"}}))
	defer tail.Close()
	for _, event := range []string{`{"event_type": "order.made", "payload": 1}`, `{"event_type": "order.paid", "payload": 2}`} {
		must(e.send("orders", event))
	}
	for seen := false; !seen; {
		part, more, err := tail.Next(ctx, time.Minute)
		if err != nil || !more {
			break
		}
		for _, event := range part.Events {
			fmt.Println(event.Offset, event.Type, string(event.Payload))
			seen = true
		}
	}
	// Output:
	// 2 order.paid 2
}
