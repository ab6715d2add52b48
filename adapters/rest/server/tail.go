package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// heartbeat is how often a quiet tail says that it is alive. Writing it is also
// how the server notices that a client has left.
const heartbeat = 10 * time.Second

// getLive follows a stream by server-sent events. The id of each is the offset of
// the event. See https://html.spec.whatwg.org/multipage/server-sent-events.html.
func (s *Server) getLive(c *call) error {
	stream, err := c.stream()
	if err != nil {
		return err
	}
	spec, err := c.tailSpec()
	if err != nil {
		return err
	}
	leave, err := s.stay(c)
	if err != nil {
		return err
	}
	tail, err := s.Tails.Follow(c.context(), c.lasting(), stream, spec)
	if err != nil {
		leave()
		return err
	}
	live := &liveTail{
		tail: tail, leave: leave, org: c.who.Org, requestID: string(c.id), lines: c.lines(), head: c.liveHeader(),
		patience: min(s.Limits.WriteTimeout, heartbeat), write: eventjson.AppendEvent, shared: &s.frames,
	}
	if c.prefers(cloudevents.TypeEvent) {
		live.write, live.form = cloudevents.Append, cloudevents.TypeEvent
	}
	c.keepLess()
	s.tails.Add(1)
	c.ctx.SetStatusCode(fasthttp.StatusOK)
	c.ctx.HijackSetNoResponse(true)
	c.ctx.Hijack(func(conn net.Conn) { live.serve(conn, s) })
	return nil
}

// tailSpec reads what a request wants to follow. A browser that comes back names
// the event that it saw last in a header, and asks for the same address again: the
// header says more.
func (c *call) tailSpec() (spec eventlog.TailSpec, err error) {
	values, err := c.query("type", "source", "subject", "after", "max_behind")
	if err != nil {
		return spec, err
	}
	spec.Filter = core.Filter{Type: values.Get("type"), Source: values.Get("source"), Subject: values.Get("subject")}
	if spec.After, err = parseAfter(values); err != nil {
		return spec, err
	}
	if last := c.requestHeader(headerLastEventID); last != "" {
		spec.AfterField = headerLastEventID
		if spec.After, err = parseOffset(headerLastEventID, last); err != nil {
			return spec, err
		}
	}
	if values.Has("max_behind") {
		most, err := strconv.ParseUint(values.Get("max_behind"), 10, 31)
		if err != nil || most == 0 {
			return spec, core.Invalid("max_behind", "must be a whole number of events, 1 or more")
		}
		spec.MaxBehind = int64(most)
	}
	return spec, nil
}

// headerLastEventID is what a browser sends when it comes back to a tail.
const headerLastEventID = "Last-Event-ID"

// unsentBytes is what the operating system keeps of a tail that its client has not
// taken. It would keep megabytes for each: a thousand tails that nobody reads cost
// the producers what it takes to fill them.
const unsentBytes = 128 << 10

// keepLess has the connection keep no more than unsentBytes.
func (c *call) keepLess() {
	if served, ok := c.ctx.Conn().(*conn); ok {
		if socket, ok := served.socket().(interface{ SetWriteBuffer(int) error }); ok {
			_ = socket.SetWriteBuffer(unsentBytes) // it only costs more without
		}
	}
}

// liveHeader returns the head of the answer. From then on the connection
// belongs to the tail, and closes with it.
func (c *call) liveHeader() []byte {
	header := &c.ctx.Response.Header
	header.SetContentType(rest.TypeEventStream)
	header.Set("X-Accel-Buffering", "no")
	return append(c.headUntilClose(), "retry: 1000\n"...)
}

// liveTail is a tail on its way to a client.
type liveTail struct {
	tail *eventlog.Tail
	// leave ends the tail's share of its key and organization.
	leave     func()
	org       core.ID
	requestID string
	// lines is the context of the lines that the tail logs.
	lines context.Context
	head  []byte
	// patience is how long a client may leave a piece unread. One that reads nothing
	// is let go: it comes back where it was, if it still wants anything.
	patience time.Duration
	// write appends an event in a form, and shared has events in this form already.
	write  func([]byte, *core.Event) []byte
	form   string
	shared *frames
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
	for err := l.send(conn, l.appendPlace(l.head)); err == nil; {
		part, more, failed := l.tail.Next(ctx, heartbeat)
		if failed != nil {
			l.end(conn, s, failed)
			return
		}
		if !more {
			return
		}
		err = l.sendPart(conn, part)
	}
}

// pieceBytes is how much of a part a client has to read in its time.
const pieceBytes = 32 << 10

// pieces are buffers for what is on its way. A tail has one while it sends, so that
// hundreds that wait for events, or for their clients, keep little.
var pieces = sync.Pool{New: func() any { return new([pieceBytes]byte) }}

// sendPart writes a part, many events at once.
func (l *liveTail) sendPart(conn net.Conn, part eventlog.TailPart) error {
	piece := pieces.Get().(*[pieceBytes]byte)
	defer pieces.Put(piece)
	out := piece[:0]
	switch {
	case part.Skipped > 0:
		out = l.appendSkipped(out, part)
	case len(part.Events) == 0:
		out = l.appendPlace(append(out, ": alive\n"...))
	}
	for i := range part.Events {
		frame := l.frameOf(&part.Events[i])
		if len(out)+len(frame) > pieceBytes {
			if err := l.send(conn, out); err != nil {
				return err
			}
			out = piece[:0]
		}
		if len(frame) <= pieceBytes {
			out = append(out, frame...)
		} else if err := l.send(conn, frame); err != nil {
			return err
		}
	}
	return l.send(conn, out)
}

// send writes piece by piece.
func (l *liveTail) send(conn net.Conn, out []byte) error {
	for len(out) > 0 {
		piece := out[:min(pieceBytes, len(out))]
		_ = conn.SetWriteDeadline(time.Now().Add(l.patience))
		if _, err := conn.Write(piece); err != nil {
			return err
		}
		out = out[len(piece):]
	}
	return nil
}

// end tells the client why the tail ends: the credential was revoked, or the stream
// deleted.
func (l *liveTail) end(conn net.Conn, s *Server, err error) {
	if core.CodeOf(err) == core.CodeInternal {
		s.Logger.ErrorContext(l.lines, "a live tail broke off", "request_id", l.requestID, "error", err)
	}
	problem, encodeErr := json.Marshal(rest.NewProblem(err, l.requestID))
	if encodeErr != nil {
		return
	}
	_ = l.send(conn, append(append([]byte("event: ended\ndata: "), problem...), "\n\n"...)) // it ends either way
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

// frameOf returns an event as the tail sends it, which is encoded once for all tails.
func (l *liveTail) frameOf(event *core.Event) []byte {
	key := frameKey{event.ID, l.form}
	frame := l.shared.get(key)
	if frame == nil {
		frame = l.frame(event)
		l.shared.put(key, frame)
	}
	return frame
}

// frame encodes an event.
func (l *liveTail) frame(event *core.Event) []byte {
	b := appendID(make([]byte, 0, event.Size()+frameRoom), event.Offset)
	b = append(b, "data: "...)
	start := len(b)
	b = l.write(b, event)
	oneLine(b[start:])
	return append(b, "\n\n"...)
}

// frameRoom is for the names of an event's fields, its ids and times.
const frameRoom = 512

// appendSkipped says which events the tail leaves out, and why.
func (l *liveTail) appendSkipped(b []byte, part eventlog.TailPart) []byte {
	reason := rest.SkippedBehind
	if part.Removed {
		reason = rest.SkippedRemoved
	}
	place := l.tail.Position()
	b = append(appendID(b, place), "event: skipped\ndata: {\"skipped\":"...)
	b = append(strconv.AppendInt(b, part.Skipped, 10), `,"reason":"`...)
	b = append(append(b, reason...), `","next_offset":`...)
	return append(strconv.AppendInt(b, int64(place)+1, 10), "}\n\n"...)
}

// appendPlace says how far the tail has looked. A block with an id and no data is
// no event to a browser, which nevertheless comes back with that id: a filter that
// has matched nothing for hours is not begun anew.
func (l *liveTail) appendPlace(b []byte) []byte {
	return append(appendID(b, l.tail.Position()), '\n')
}

func appendID(b []byte, offset core.Offset) []byte {
	return append(strconv.AppendInt(append(b, "id: "...), int64(offset), 10), '\n')
}

// oneLine replaces line breaks by spaces. JSON has line breaks between its
// tokens only, where a space means the same.
func oneLine(b []byte) {
	for bytes.ContainsAny(b, "\n\r") {
		i := bytes.IndexAny(b, "\n\r")
		b[i], b = ' ', b[i+1:]
	}
}
