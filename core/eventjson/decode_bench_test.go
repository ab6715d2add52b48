package eventjson_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/eventflow-go/eventflow/core/eventjson"
)

// benchmarkEvent has a payload of 300 bytes.
var benchmarkEvent = []byte(`{"event_type":"order.paid","event_version":2,"occurred_at":"2026-01-31T09:30:00.123456Z","source":"checkout","subject":"customer-4711","payload":` +
	`{"order_id":"0198c0de-7a1b-7c3d-8e4f-5a6b7c8d9e0f","total":129.95,"currency":"EUR","items":[{"sku":"KB-104","quantity":1,"price":99.95},{"sku":"MS-2","quantity":2,"price":15}],` +
	`"customer":{"id":4711,"name":"Zoë Ångström","vip":true},"note":"please ring twice; the bell is quite old","tags":["web","eu-west"]}}`)

func BenchmarkDecodeEvent(b *testing.B) {
	b.SetBytes(int64(len(benchmarkEvent)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := eventjson.DecodeEvent(benchmarkEvent, eventjson.StreamInPath); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeEventWithKey(b *testing.B) {
	body := bytes.Replace(benchmarkEvent, []byte(`{"event_type"`), []byte(`{"idempotency_key":"0198c0de-7a1b-7c3d","event_type"`), 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := eventjson.DecodeEvent(body, eventjson.StreamInPath); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeBatch(b *testing.B) {
	const events = 1000
	lines := []byte(strings.Repeat(string(benchmarkEvent)+"\n", events))
	array := []byte("[" + strings.Repeat(string(benchmarkEvent)+",", events-1) + string(benchmarkEvent) + "]")
	for name, decode := range map[string]func() ([]eventjson.Draft, error){
		"array": func() ([]eventjson.Draft, error) { return eventjson.DecodeArray(array, eventjson.StreamInPath) },
		"lines": func() ([]eventjson.Draft, error) { return eventjson.DecodeLines(lines, eventjson.StreamInPath) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := decode(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/events, "ns/event")
		})
	}
}

func BenchmarkValidJSON(b *testing.B) {
	b.SetBytes(int64(len(benchmarkEvent)))
	b.ReportAllocs()
	for b.Loop() {
		if err := eventjson.ValidJSON(benchmarkEvent); err != nil {
			b.Fatal(err)
		}
	}
}
