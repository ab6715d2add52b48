package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// heartbeat is how often a quiet tail says that it is alive. Writing it is also
// how the server notices that a client has left.
const heartbeat = 10 * time.Second

// getLive follows a stream by server-sent events
// (https://html.spec.whatwg.org/multipage/server-sent-events.html). The id of
// each is the offset of the event.
func (s *Server) getLive(c *call) error {
	stream, err := c.stream()
	if err != nil {
		return err
	}
	values, err := c.query("type", "source", "subject", "after")
	if err != nil {
		return err
	}
	after, err := parseLiveAfter(values)
	if err != nil {
		return err
	}
	if last := c.requestHeader("Last-Event-ID"); last != "" {
		if after, err = parseLastEventID(last); err != nil {
			return err
		}
	}
	filter := core.Filter{Type: values.Get("type"), Source: values.Get("source"), Subject: values.Get("subject")}
	leave, err := s.stay(c)
	if err != nil {
		return err
	}
	tail, err := s.Tails.Follow(c.context(), c.lasting(), stream, filter, after)
	if err != nil {
		leave()
		return err
	}
	live := &liveTail{tail: tail, leave: leave, org: c.who.Org, requestID: string(c.id), head: c.liveHeader(), writeTimeout: s.Limits.WriteTimeout, write: appendEvent}
	if c.prefers(cloudevents.TypeEvent) {
		live.write = cloudevents.Append
	}
	s.tails.Add(1)
	c.ctx.SetStatusCode(fasthttp.StatusOK)
	c.ctx.HijackSetNoResponse(true)
	c.ctx.Hijack(func(conn net.Conn) { live.serve(conn, s) })
	return nil
}

// parseLiveAfter is parseAfter and also takes -1, which is before all events: a
// client that found a stream empty follows it from there.
func parseLiveAfter(values url.Values) (*core.Offset, error) {
	if values.Get("after") == "-1" {
		return new(core.Offset(-1)), nil
	}
	return parseAfter(values)
}

func parseLastEventID(text string) (*core.Offset, error) {
	offset, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return nil, core.Invalid("Last-Event-ID", "must be an event id from this tail, which is an offset")
	}
	after := core.Offset(offset)
	return &after, nil
}

// liveHeader returns the head of the answer. From then on the connection
// belongs to the tail, and closes with it.
func (c *call) liveHeader() []byte {
	header := &c.ctx.Response.Header
	header.SetContentType(rest.TypeEventStream)
	header.Set("X-Accel-Buffering", "no")
	return append(c.headUntilClose(), "retry: 1000\n\n"...)
}

// liveTail is a tail on its way to a client.
type liveTail struct {
	tail         *eventlog.Tail
	leave        func()
	org          core.ID
	requestID    string
	head         []byte
	writeTimeout time.Duration
	write        func([]byte, *core.Event) []byte
}

// serve writes until the client leaves or the server stops.
func (l *liveTail) serve(conn net.Conn, s *Server) {
	defer s.tails.Done()
	defer l.leave()
	defer l.tail.Close()
	ctx, stop := context.WithCancel(core.ContextWithOrganization(context.Background(), l.org))
	defer stop()
	watched := make(chan struct{})
	_ = conn.SetReadDeadline(time.Time{})
	go func() {
		defer close(watched)
		watch(conn, stop)
	}()
	defer func() { // the connection is fasthttp's again after this
		_ = conn.SetReadDeadline(time.Unix(1, 0))
		<-watched
	}()
	out := l.head
	for {
		_ = conn.SetWriteDeadline(time.Now().Add(l.writeTimeout))
		if _, err := conn.Write(out); err != nil {
			return
		}
		part, more, err := l.tail.Next(ctx, heartbeat)
		if err != nil {
			l.end(conn, s, err)
			return
		}
		if !more {
			return
		}
		out = l.encode(out[:0], part)
	}
}

// end tells the client why the tail ends: the credential was revoked, or the stream
// deleted.
func (l *liveTail) end(conn net.Conn, s *Server, err error) {
	if core.CodeOf(err) == core.CodeInternal {
		s.Logger.Error("a live tail broke off", "error", err)
	}
	problem, encodeErr := json.Marshal(rest.NewProblem(err, l.requestID))
	if encodeErr != nil {
		return
	}
	_ = conn.SetWriteDeadline(time.Now().Add(l.writeTimeout))
	_, _ = conn.Write(append(append([]byte("event: ended\ndata: "), problem...), "\n\n"...)) // it ends either way
}

// watch ends a tail when its client hangs up. The client has nothing more to
// send, so reading ends only then.
func watch(conn net.Conn, stop context.CancelFunc) {
	defer stop()
	_, _ = bufio.NewReaderSize(conn, 16).WriteTo(discard{})
}

type discard struct{}

// Write implements io.Writer.
func (discard) Write(b []byte) (int, error) { return len(b), nil }

func (l *liveTail) encode(b []byte, part eventlog.TailPart) []byte {
	if part.Skipped > 0 {
		return append(strconv.AppendInt(append(b, "event: skipped\ndata: {\"skipped\":"...), part.Skipped, 10), "}\n\n"...)
	}
	if len(part.Events) == 0 {
		return append(b, ": alive\n\n"...)
	}
	for i := range part.Events {
		b = strconv.AppendInt(append(b, "id: "...), int64(part.Events[i].Offset), 10)
		b = append(b, "\ndata: "...)
		start := len(b)
		b = l.write(b, &part.Events[i])
		oneLine(b[start:])
		b = append(b, "\n\n"...)
	}
	return b
}

// oneLine replaces line breaks by spaces. JSON has line breaks between its
// tokens only, where a space means the same.
func oneLine(b []byte) {
	for bytes.ContainsAny(b, "\n\r") {
		i := bytes.IndexAny(b, "\n\r")
		b[i], b = ' ', b[i+1:]
	}
}
