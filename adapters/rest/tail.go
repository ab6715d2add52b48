package rest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/url"
	"strconv"

	"github.com/eventflow-go/eventflow/core"
)

// TailOptions says which events to follow. An empty field matches every event.
type TailOptions struct {
	Type, Source, Subject string
	// After is the offset before the first event wanted, -1 for all events. If it
	// is nil, the tail begins at the end of the stream.
	After *core.Offset
	// MaxBehind, unless it is 0, leaves events out when the reader is further behind
	// the end of the stream than so many. Without it, the tail delivers all that is
	// stored.
	MaxBehind int64
}

// TailItem is an event. If Skipped is not 0, it is the news that as many events
// were left out instead.
type TailItem struct {
	Event   core.Event
	Skipped int64
	// Reason is why they were left out: [SkippedRemoved] or [SkippedBehind].
	Reason string
}

// Why a tail leaves out events.
const (
	SkippedRemoved = "retention" // retention has removed them
	SkippedBehind  = "behind"    // the reader was further behind than it wanted
)

// Tail follows a stream live until ctx ends, which is no error, or the loop is
// left. When the connection breaks, it comes back by itself and goes on after
// the last event that the server has looked at for it. It stops with an error when
// the server refuses.
func (c *Client) Tail(ctx context.Context, stream string, options TailOptions) iter.Seq2[TailItem, error] {
	return func(yield func(TailItem, error) bool) {
		for attempt := 0; ctx.Err() == nil; attempt++ {
			seen, err := c.tail(ctx, stream, &options, yield)
			switch {
			case errors.Is(err, errLeft) || ctx.Err() != nil:
				return
			case hopeless(err):
				yield(TailItem{}, err)
				return
			}
			if seen {
				attempt = 0
			}
			pause(ctx, attempt)
		}
	}
}

// errLeft says that the reader of a tail has left the loop.
var errLeft = errors.New("left")

// tail follows a stream over one connection.
func (c *Client) tail(ctx context.Context, stream string, options *TailOptions, yield func(TailItem, error) bool) (seen bool, err error) {
	query := url.Values{}
	for name, value := range map[string]string{"type": options.Type, "source": options.Source, "subject": options.Subject} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if options.After != nil {
		query.Set("after", strconv.FormatInt(int64(*options.After), 10))
	}
	if options.MaxBehind > 0 {
		query.Set("max_behind", strconv.FormatInt(options.MaxBehind, 10))
	}
	got, err := c.send(ctx, request{method: "GET", path: withQuery(StreamEventsPath(stream)+"/live", query)})
	if err != nil {
		return false, err
	}
	defer got.body.Close()
	if isError(got.status) {
		return false, readError(got)
	}
	for message, err := range messages(got.body) {
		if err != nil {
			return seen, err
		}
		if message.kind == "ended" { // asking again gets the reason
			break
		}
		if len(message.data) > 0 {
			item, err := message.item()
			if err != nil {
				return seen, err
			}
			if !yield(item, nil) {
				return true, errLeft
			}
			seen = true
		}
		if after, err := strconv.ParseInt(message.id, 10, 64); err == nil {
			options.After = new(core.Offset(after))
		}
	}
	return seen, io.ErrUnexpectedEOF
}

// message is one server-sent event. Without data it only says how far the server has
// looked.
type message struct {
	kind string
	// id is an offset: coming back with it, the tail goes on behind it.
	id   string
	data []byte
}

func (m message) item() (item TailItem, err error) {
	if m.kind == "skipped" {
		var skipped struct {
			Skipped int64  `json:"skipped"`
			Reason  string `json:"reason"`
		}
		err = json.Unmarshal(m.data, &skipped)
		return TailItem{Skipped: skipped.Skipped, Reason: skipped.Reason}, err
	}
	err = json.Unmarshal(m.data, &item.Event)
	return item, err
}

// maxMessageBytes bounds a line. The largest event fits.
const maxMessageBytes = 2*core.MaxEventBytes + 64<<10

// messages reads server-sent events.
func messages(body io.Reader) iter.Seq2[message, error] {
	return func(yield func(message, error) bool) {
		lines := bufio.NewScanner(body)
		lines.Buffer(make([]byte, 0, 16<<10), maxMessageBytes)
		var next message
		for lines.Scan() {
			name, value, _ := bytes.Cut(lines.Bytes(), []byte(":"))
			value = bytes.TrimPrefix(value, []byte(" "))
			switch string(name) {
			case "event":
				next.kind = string(value)
			case "id":
				next.id = string(value)
			case "data":
				next.data = append(next.data, value...)
			case "":
				if len(lines.Bytes()) > 0 {
					continue // a comment
				}
				if (len(next.data) > 0 || next.id != "") && !yield(next, nil) {
					return
				}
				next = message{}
			}
		}
		if err := lines.Err(); err != nil {
			yield(message{}, err)
		}
	}
}
