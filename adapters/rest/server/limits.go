package server

import "time"

// Limits keeps slow, lying or too many clients from using up the server. A
// field that is zero takes its default.
type Limits struct {
	// ReadTimeout bounds the arrival of one request, body included: default 10 s.
	ReadTimeout time.Duration
	// WriteTimeout bounds how long a client may leave a piece of an answer unread:
	// default 30 s.
	WriteTimeout time.Duration
	// IdleTimeout closes a connection without requests: default 60 s.
	IdleTimeout time.Duration
	// HandlerTimeout bounds how long the store and the catalog may take for one
	// request, all waits for others included: default 20 s. The answer is 503 after
	// that, at most a second later. A poll may take as long as it asks to wait, if that
	// is longer. Exports and live tails have no end.
	HandlerTimeout time.Duration
	// Connections is how many connections may be open: default 16,384. On one beyond
	// that, questions about health are answered and all else with 503; then it closes.
	// Requests that last may take these connections as [Limits.InflightBytes] may be
	// taken.
	Connections int
	// SpareConnections is how many connections there may be beyond that: default 64.
	SpareConnections int
	// HeaderBytes bounds a request's line and headers: default 8 KiB.
	HeaderBytes int
	// InflightBytes bounds the memory for the bodies of all requests: default 256
	// MiB. A request beyond it is answered 503. An organization may hold as much of it
	// as it leaves free, and a key half as much; more is answered 429.
	InflightBytes int64
	// UploadRate is how many bytes of a body must arrive in a second, over half of
	// ReadTimeout: default 4 KiB. A slower one is answered 408.
	UploadRate int
}

func (l Limits) withDefaults() Limits {
	setDefault(&l.ReadTimeout, 10*time.Second)
	setDefault(&l.WriteTimeout, 30*time.Second)
	setDefault(&l.IdleTimeout, 60*time.Second)
	setDefault(&l.HandlerTimeout, 20*time.Second)
	setDefault(&l.Connections, 16_384)
	setDefault(&l.HeaderBytes, 8<<10)
	setDefault(&l.SpareConnections, 64)
	setDefault(&l.InflightBytes, 256<<20)
	setDefault(&l.UploadRate, 4<<10)
	return l
}

// restAfter is how long fasthttp waits for the next request of a connection.
func (l *Limits) restAfter() time.Duration { return l.ReadTimeout / 10 }

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
