package jetstream

import "fmt"

// config is what a JetStream stream is made with. Zero values are written out, where
// the server would take them for a wish of its default.
type config struct {
	Name       string   `json:"name"`
	Subjects   []string `json:"subjects"`
	Retention  string   `json:"retention"`
	MaxCons    int      `json:"max_consumers"`
	MaxMsgs    int64    `json:"max_msgs"`
	MaxBytes   int64    `json:"max_bytes"`
	MaxAge     int64    `json:"max_age"`
	MaxPer     int64    `json:"max_msgs_per_subject"`
	MaxSize    int32    `json:"max_msg_size"`
	Discard    string   `json:"discard"`
	Storage    string   `json:"storage"`
	Replicas   int      `json:"num_replicas"`
	Duplicates int64    `json:"duplicate_window"`
	Direct     bool     `json:"allow_direct"`
	Atomic     bool     `json:"allow_atomic"`
	DenyDelete bool     `json:"deny_delete"`
	DenyPurge  bool     `json:"deny_purge"`
	Rollup     bool     `json:"allow_rollup_hdrs"`
	Persist    string   `json:"persist_mode,omitempty"`
}

// shortestWindow is the least that the server takes for its own search for duplicates,
// which nothing here uses: compare-and-append is what keeps an event from being stored
// twice.
const shortestWindow = 100_000_000 // nanoseconds

func (p *partition) config() config {
	return config{
		Name: p.stream, Subjects: []string{p.prefix + ">"}, Retention: "limits", Discard: "new", Storage: "file", Replicas: p.replicas,
		MaxCons: -1, MaxMsgs: -1, MaxBytes: -1, MaxPer: -1, MaxSize: -1, Duplicates: shortestWindow,
		Direct: true, Atomic: true, DenyDelete: true,
	}
}

// differs says what would lose events, or keep them from being read, or "".
func (c config) differs(want config) string {
	for _, one := range []struct {
		name     string
		is, must any
	}{
		{"storage", c.Storage, want.Storage},
		{"retention", c.Retention, want.Retention},
		{"discard", c.Discard, want.Discard},
		{"num_replicas", c.Replicas, want.Replicas},
		{"max_age", c.MaxAge, want.MaxAge},
		{"max_msgs", c.MaxMsgs, want.MaxMsgs},
		{"max_bytes", c.MaxBytes, want.MaxBytes},
		{"max_msgs_per_subject", c.MaxPer, want.MaxPer},
		{"allow_direct", c.Direct, want.Direct},
		{"allow_atomic", c.Atomic, want.Atomic},
		{"deny_purge", c.DenyPurge, want.DenyPurge},
		{"allow_rollup_hdrs", c.Rollup, want.Rollup},
		{"persist_mode", c.Persist == "async", false},
		{"subjects", fmt.Sprint(c.Subjects), fmt.Sprint(want.Subjects)},
	} {
		if one.is != one.must {
			return fmt.Sprintf("%s is %v, and must be %v", one.name, one.is, one.must)
		}
	}
	return ""
}
