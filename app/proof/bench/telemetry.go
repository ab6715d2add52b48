package main

import (
	"context"

	"github.com/eventflow-go/eventflow/adapters/oteltest"
)

// telemetry measures single-event requests to a server that sends traces to a
// collector against one that sends none. The collector is in this process, so what it
// costs the machine counts, too. Beside the default, which bounds the traces that
// begin, there is what it costs to trace every request.
func (b *bench) telemetry(ctx context.Context) error {
	collector, err := oteltest.Start()
	if err != nil {
		return err
	}
	defer collector.Close()
	collector.Forget()
	traced := []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.GRPC, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}
	off, err := b.startOnPostgres(ctx, "off")
	if err != nil {
		return err
	}
	on, err := b.startOnPostgres(ctx, "on", traced...)
	if err != nil {
		return err
	}
	all, err := b.startOnPostgres(ctx, "all", append(traced, "OTEL_TRACES_SAMPLER=always_on")...)
	if err != nil {
		return err
	}
	rates, err := b.rounded(b.posts("POST, no telemetry", "telemetry_off", off, "bench"),
		b.posts("POST, telemetry", "telemetry", on, "bench"),
		b.posts("POST, every one traced", "telemetry_all", all, "bench"))
	if err != nil {
		return err
	}
	report(figure{Name: "telemetry_over_off", Value: ratio(rates[1], rates[0]), Goal: 0.95})
	report(figure{Name: "telemetry_all_over_off", Value: ratio(rates[2], rates[0])})
	if err := stopAll(off, on, all); err != nil {
		return err
	}
	note("%d spans arrived", collector.Count.Load())
	return nil
}
