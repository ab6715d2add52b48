package eventlog_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// Who did what, and is the trail intact? The use cases keep the trail by themselves.
// A mark that is kept elsewhere shows whether the trail was rewritten since.
func ExampleTrail_Verify() {
	e := openEmbedded()
	defer e.close()
	ctx, who := context.Background(), ann.At(core.Visitor{Address: "192.0.2.7"})
	must(e.streams.Create(ctx, who, core.StreamSpec{Name: "orders"}))
	if err := e.streams.Delete(ctx, who, "orders", 0); err != nil {
		panic(err)
	}

	page := must(e.trail.Page(ctx, ann, core.EventQuery{}))
	for _, record := range page.Items {
		var entry core.AuditEntry
		fmt.Println(record.Type, json.Unmarshal(record.Payload, &entry) == nil, entry.Actor.Label, entry.Address)
	}
	verified := must(e.trail.Verify(ctx, ann.Org))
	fmt.Printf("%d records, fault %q\n", verified.Records, verified.Fault)

	forged := eventlog.AuditMark{Record: 1, Hash: fmt.Sprintf("%064d", 7)}
	verified = must(e.trail.Verify(ctx, ann.Org, forged))
	fmt.Printf("record %d: %s\n", verified.At, verified.Fault)
	// Output:
	// stream.created true ann@example.com 192.0.2.7
	// stream.deleted true ann@example.com 192.0.2.7
	// 2 records, fault ""
	// record 1: its hash is not the expected one: the trail up to here was rewritten, or is another one
}
