package pipeline_test

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/eventflow-go/eventflow/adapters/pipeline"
)

// kilobyte is a payload of 1 KB, as shops send them.
const kilobyte = `{"order_id":"0198c0de-7a1b-7c3d-8e4f-5a6b7c8d9e0f","total":129.95,"currency":"EUR","items":[` +
	`{"sku":"KB-104","name":"Keyboard, wireless, German layout","quantity":1,"price":99.95,"tags":["input","sale"]},` +
	`{"sku":"MS-2","name":"Mouse pad with a long description","quantity":2,"price":15,"tags":["desk"]},` +
	`{"sku":"CB-9","name":"Cable, two metres, braided","quantity":3,"price":4.5,"tags":[]}],` +
	`"customer":{"id":4711,"name":"Zoë Ångström","email":"zoe@example.org","vip":true,"address":{"street":"Long Road 17","zip":"12345","city":"Springfield","country":"DE"}},` +
	`"payment":{"method":"card","card":{"brand":"visa","last4":"4242","country":"DE"},"captured":true,"amount":129.95},` +
	`"shipping":{"carrier":"dhl","service":"standard","tracking":"00340434161094022115","weight_grams":1350},` +
	`"note":"please ring twice; the bell is quite old and the dog is quite young","tags":["web","eu-west","returning"],` +
	`"utm":{"source":"newsletter","medium":"email","campaign":"winter-2026"}}`

func BenchmarkPipeline(b *testing.B) {
	// A server holds more than one event: with a heap of nothing the collector would run
	// half of the time.
	held := make([]byte, 64<<20)
	defer runtime.KeepAlive(held)
	for _, bench := range []struct{ name, filter, transform string }{
		{"filter by type", `type == "order.paid"`, ""},
		{"filter by payload", `payload.total > 100.0 && payload.currency == "EUR"`, ""},
		{"filter by list", `payload.items.exists(i, i.quantity > 1)`, ""},
		{"reshape", "", `.payload |= {id: .order_id, total, customer: .customer.id}`},
		{"drop a field", "", `del(.payload.customer.email)`},
		{"filter and reshape", `type == "order.paid" && payload.total > 100.0`, `.type = "order.short" | .payload |= {id: .order_id, total, customer: .customer.id, skus: [.items[].sku]}`},
		{"filter and drop a field", `payload.customer.vip`, `del(.payload.customer.email, .payload.note)`},
	} {
		b.Run(bench.name, func(b *testing.B) {
			compiled, err := pipeline.New().Compile(bench.filter, bench.transform)
			if err != nil {
				b.Fatal(err)
			}
			in := event(kilobyte)
			var took []time.Duration
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				if _, passed, err := compiled.Run(context.Background(), &in); err != nil || !passed {
					b.Fatal(passed, err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "µs-p50")
		})
	}
}
