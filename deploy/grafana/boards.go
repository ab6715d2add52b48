package main

import "strings"

// here is what every query is about: the installation and the nodes that the reader has
// chosen.
const here = `job="$job",instance=~"$instance"`

// in puts the reader's choice, and more labels if there are any, behind a metric.
func in(metric string, labels ...string) string {
	return metric + "{" + strings.Join(append([]string{here}, labels...), ",") + "}"
}

// rate is how fast a counter grows, added up over the nodes and by labels, which may be
// "".
func rate(metric, by string, labels ...string) string {
	return sum(by, "rate("+in(metric, labels...)+"[$__rate_interval])")
}

func sum(by, expr string) string {
	if by == "" {
		return "sum(" + expr + ")"
	}
	return "sum by (" + by + ") (" + expr + ")"
}

// quantiles are the median, p95 and p99 of a histogram.
func quantiles(histogram string, labels ...string) (lines []line) {
	for _, q := range []struct{ part, legend string }{{"0.5", "median"}, {"0.95", "p95"}, {"0.99", "p99"}} {
		lines = append(lines, line{"histogram_quantile(" + q.part + ", " + rate(histogram+"_bucket", "le", labels...) + ")", q.legend})
	}
	return lines
}

// once is the value of what all nodes tell alike, such as the lag of a group.
func once(metric, by string) string { return "max by (" + by + ") (" + in(metric) + ")" }

const (
	requests = "eventflow_http_request_duration_seconds"
	storing  = `method="POST",route=~"/api/v1/(streams/:stream/)?events(/batch)?"`
)

var boards = []board{
	{"ingest", "What producers send, and what becomes of it.", []panel{
		{"Events stored", "By stream; the ten largest.", "eps", []line{{"topk(10, " + rate("eventflow_events_stored_total", "stream") + ")", "{{stream}}"}}},
		{"Events stored by type", "The ten most frequent.", "eps", []line{{"topk(10, " + rate("eventflow_events_stored_total", "type") + ")", "{{type}}"}}},
		{"Requests to store", "By the status of the answer.", "reqps", []line{{rate(requests+"_count", "status", storing), "{{status}}"}}},
		{"Time to store", "From the request to the durable answer.", "s", quantiles(requests, storing)},
		{"Failed requests to store", "Without those that were refused for the client's own fault; the budget is 0.1 %.", "percentunit", []line{
			{`eventflow:ingest_errors:ratio_rate5m{job="$job"}`, "5 minutes"}, {`eventflow:ingest_errors:ratio_rate1h{job="$job"}`, "1 hour"},
		}},
		{"Refused requests to store", "Answered with 4xx: a key, a schema or a limit.", "percentunit", []line{
			{`eventflow:ingest_refused:ratio_rate5m{job="$job"}`, "refused"},
		}},
		{"Queue", "Events waiting for their group commit, and how many may.", "short", []line{
			{in("eventflow_ingest_queue_events"), "{{instance}}"}, {in("eventflow_ingest_queue_limit_events"), "limit of {{instance}}"},
		}},
		{"Fullest queue", "Of one shard and lane; a full one refuses, whatever there is room for in others.", "percentunit", []line{
			{in("eventflow_ingest_queue_fullest_ratio"), "{{instance}}"},
		}},
		{"Demand on limits", "What the busiest of a kind asked for in the last minute, as a part of its limit.", "percentunit", []line{
			{`eventflow:rate_limit_demand:ratio{job="$job"}`, "{{kind}}"},
		}},
		{"Refused by limits and shares", "", "reqps", []line{
			{rate("eventflow_rate_limit_refused_total", "kind"), "limit of {{kind}}"}, {rate("eventflow_share_refused_total", "share"), "share of {{share}}"},
		}},
	}},
	{"delivery", "What consumers get, and how they keep up.", []panel{
		{"Lag", "Events not settled; the ten groups that are furthest behind.", "short", []line{
			{"topk(10, " + once("eventflow_consumer_lag_events", "stream, group") + ")", "{{group}} of {{stream}}"},
		}},
		{"Dead letters", "The ten groups with the most.", "short", []line{
			{"topk(10, " + once("eventflow_dead_letters", "stream, group") + ")", "{{group}} of {{stream}}"},
		}},
		{"Events handed out", "Those that come again included.", "eps", []line{{rate("eventflow_events_handed_out_total", ""), "handed out"}}},
		{"Delivery latency", "From the storing of an event to its first handing out.", "s", quantiles("eventflow_delivery_latency_seconds")},
		{"Processing time", "From the handing out to the consumer's answer.", "s", quantiles("eventflow_processing_duration_seconds")},
		{"Failed attempts", "By how they ended.", "eps", []line{{rate("eventflow_attempts_failed_total", "outcome"), "{{outcome}}"}}},
		{"Who waits", "Polls and live tails that are open.", "short", []line{
			{sum("", in("eventflow_polls_in_flight")), "polls"}, {sum("", in("eventflow_live_tails")), "live tails"},
		}},
		{"Consumer groups", "How many there are, and how old the count is.", "short", []line{
			{"max(" + in("eventflow_consumer_groups") + ")", "groups"}, {"max(" + in("eventflow_consumer_census_age_seconds") + ")", "age in seconds"},
		}},
		{"Time to store a step", "Of the progress of a group.", "s", quantiles("eventflow_group_step_duration_seconds")},
	}},
	{"processing", "What processors send, and whether it arrives.", []panel{
		{"Events", "That processors were done with for the moment, by outcome.", "eps", []line{{rate("eventflow_processor_events_total", "outcome"), "{{outcome}}"}}},
		{"Events by destination", "By type of destination and outcome.", "eps", []line{
			{rate("eventflow_processor_events_total", "destination, outcome"), "{{outcome}}, {{destination}}"},
		}},
		{"Failed attempts", "As a part of all attempts to send, by type of destination.", "percentunit", []line{
			{`eventflow:processor_failed:ratio_rate5m{job="$job"}`, "{{destination}}"},
		}},
		{"Time to send", "That destinations took, of all types.", "s", quantiles("eventflow_processor_send_seconds")},
		{"Slowest destinations", "p95, by type.", "s", []line{
			{"histogram_quantile(0.95, " + rate("eventflow_processor_send_seconds_bucket", "le, destination") + ")", "{{destination}}"},
		}},
		{"Processors", "How many there are, by state.", "short", []line{{once("eventflow_processors", "state"), "{{state}}"}}},
		{"Lag", "Of processors and other groups; the ten that are furthest behind.", "short", []line{
			{"topk(10, " + once("eventflow_consumer_lag_events", "stream, group") + ")", "{{group}} of {{stream}}"},
		}},
	}},
	{"storage", "The databases behind the server.", []panel{
		{"Time of a group commit", "", "s", quantiles("eventflow_append_duration_seconds")},
		{"Events per group commit", "On average.", "short", []line{
			{rate("eventflow_append_group_events_sum", "instance") + " / " + rate("eventflow_append_group_events_count", "instance"), "{{instance}}"},
		}},
		{"Failed group commits", "By reason.", "ops", []line{{rate("eventflow_append_failures_total", "reason"), "{{reason}}"}}},
		{"Time of a page read", "", "s", quantiles("eventflow_read_duration_seconds")},
		{"Connections", "Of the pools to the databases: in use, idle, and how many there may be.", "short", []line{
			{in("eventflow_pool_in_use_connections"), "in use, {{engine}} of {{instance}}"},
			{in("eventflow_pool_idle_connections"), "idle, {{engine}} of {{instance}}"},
			{in("eventflow_pool_limit_connections"), "limit, {{engine}} of {{instance}}"},
		}},
		{"Waiting for connections", "Seconds waited in a second, and how often.", "short", []line{
			{rate("eventflow_pool_wait_seconds_total", "engine"), "seconds, {{engine}}"}, {rate("eventflow_pool_waits_total", "engine"), "times, {{engine}}"},
		}},
		{"Disk", "Free of the disks that database files are on, where these are on the server's machine.", "bytes", []line{
			{in("eventflow_disk_free_bytes"), "free, {{engine}} of {{instance}}"}, {in("eventflow_disk_size_bytes"), "size, {{engine}} of {{instance}}"},
		}},
		{"Shards", "1 where every node reaches a shard, and it stores; a store of one kind is shard 0.", "short", []line{
			{"min by (shard) (" + in("eventflow_shard_up") + ")", "shard {{shard}}"},
		}},
		{"Clock", "How far each node's own clock is ahead of the database's.", "s", []line{{in("eventflow_clock_ahead_seconds"), "{{instance}}"}}},
	}},
	{"runtime", "The nodes themselves.", []panel{
		{"Nodes", "Those that Prometheus reaches, by version.", "short", []line{{"count by (version) (" + in("eventflow_build_info") + ")", "{{version}}"}}},
		{"Requests", "By the status of the answer.", "reqps", []line{{rate(requests+"_count", "status"), "{{status}}"}}},
		{"Slowest routes", "p95, without what waits for events.", "s", []line{{
			"topk(10, histogram_quantile(0.95, " + rate(requests+"_bucket", "le, route", `route!~".*/consumer-groups/:group/events|.*/events/(live|export)"`) + "))", "{{route}}",
		}}},
		{"Errors", "Answers with 5xx, as a part of all.", "percentunit", []line{{`eventflow:server_errors:ratio_rate5m{job="$job"}`, "errors"}}},
		{"Memory", "Of the process, and what it may have.", "bytes", []line{
			{in("process_resident_memory_bytes"), "{{instance}}"},
			{in("eventflow_memory_limit_bytes"), "limit of {{instance}}"},
			{in("go_gc_gomemlimit_bytes") + " < 1e15", "GOMEMLIMIT of {{instance}}"},
		}},
		{"Heap", "In use by Go.", "bytes", []line{{in("go_memstats_heap_inuse_bytes"), "{{instance}}"}}},
		{"CPU", "Cores in use.", "short", []line{{rate("process_cpu_seconds_total", "instance"), "{{instance}}"}}},
		{"Goroutines", "", "short", []line{{in("go_goroutines"), "{{instance}}"}}},
		{"Open files", "And how many there may be.", "short", []line{{in("process_open_fds"), "{{instance}}"}, {in("process_max_fds"), "limit of {{instance}}"}}},
		{"Garbage collection", "Seconds that it stops everything in a second.", "s", []line{{rate("go_gc_duration_seconds_sum", "instance"), "{{instance}}"}}},
		{"Shares", "Taken of what organizations share, as a part of what there is.", "percentunit", []line{
			{in("eventflow_share_taken") + " / " + in("eventflow_share_limit"), "{{share}} of {{instance}}"},
		}},
		{"Rate limiter", "1 where Redis is lost; nothing where there is none.", "short", []line{{in("eventflow_rate_limiter_lost"), "{{instance}}"}}},
	}},
}
