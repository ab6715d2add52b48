package server

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// getExport answers all events that match, as NDJSON or CSV. It reads the log
// while the client reads the answer.
func (s *Server) getExport(c *call) error {
	stream, query, err := c.eventQuery("format", "bom")
	if err != nil {
		return err
	}
	write, contentType, err := c.exportFormat()
	if err != nil {
		return err
	}
	header, err := c.exportHeader(contentType)
	if err != nil {
		return err
	}
	leave, err := s.stay(c)
	if err != nil {
		return err
	}
	// An export may last as long as its client reads, so it has no deadline but the
	// connection's, for each write.
	events, err := s.Query.Export(core.ContextWithOrganization(context.Background(), c.who.Org), c.lasting(), stream, query)
	if err != nil {
		leave()
		return err
	}
	body := &exportBody{
		write: write, buffer: []byte(header), conn: c.ctx.Conn(), writeTimeout: s.Limits.WriteTimeout,
		logger: s.Logger, lines: c.lines(), requestID: string(c.id),
	}
	next, stop := iter.Pull2(events)
	body.next, body.stop = next, func() { stop(); leave() }
	// The first event is taken here, so that a query that fails at once is still
	// answered with an error.
	if err := body.take(); err != nil {
		body.stop()
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusOK)
	c.ctx.Response.Header.SetContentType(contentType)
	c.ctx.Response.Header.Set(fasthttp.HeaderContentDisposition, `attachment; filename="events`+exportSuffix(contentType)+`"`)
	if !c.ctx.Request.Header.IsHTTP11() {
		c.exportUntilClose(body)
		return nil
	}
	c.ctx.Response.SetBodyStream(body, -1)
	return nil
}

func exportSuffix(contentType string) string {
	if contentType == rest.TypeCSV {
		return ".csv"
	}
	return ".ndjson"
}

type appendFunc func([]byte, *core.Event) []byte

// exportFormat reads `format`, which defaults to NDJSON.
func (c *call) exportFormat() (appendFunc, string, error) {
	switch format := string(c.ctx.QueryArgs().Peek("format")); format {
	case "", rest.FormatNDJSON:
		return appendLine, rest.TypeNDJSON, nil
	case rest.FormatCSV:
		return appendCSV, rest.TypeCSV, nil
	}
	return nil, "", core.Invalid("format", "must be ndjson or csv")
}

// exportHeader returns what an export begins with, before its events. `bom=true`
// puts a byte order mark before CSV.
func (c *call) exportHeader(contentType string) (string, error) {
	bom := string(c.ctx.QueryArgs().Peek("bom"))
	switch {
	case bom != "" && bom != "true" && bom != "false":
		return "", core.Invalid("bom", "must be true or false")
	case contentType != rest.TypeCSV && bom == "true":
		return "", core.Invalid("bom", "is for CSV only")
	case contentType != rest.TypeCSV:
		return "", nil
	case bom == "true":
		return byteOrderMark + csvHeader, nil
	}
	return csvHeader, nil
}

// appendLine appends an event as one line. JSON has line breaks between its
// tokens only, where a space means the same.
func appendLine(b []byte, event *core.Event) []byte {
	start := len(b)
	b = eventjson.AppendEvent(b, event)
	oneLine(b[start:])
	return append(b, '\n')
}

// exportBody is the body of an export. It holds one piece of it at a time.
type exportBody struct {
	next         func() (core.Event, error, bool)
	stop         func()
	write        appendFunc
	buffer       []byte
	done         bool
	conn         net.Conn
	writeTimeout time.Duration
	logger       *slog.Logger
	requestID    string
	lines        context.Context // of the lines that it logs
}

// exportPiece is how much of an export is written at once.
const exportPiece = 64 << 10

// take moves one event into the buffer.
func (e *exportBody) take() error {
	event, err, ok := e.next()
	switch {
	case !ok:
		e.done = true
	case err != nil:
		return err
	default:
		e.buffer = e.write(e.buffer, &event)
	}
	return nil
}

// fill fills the buffer and gives the client time to read it. After an error
// the connection ends without the chunk that completes an answer: there is no
// other way left to tell the client that events are missing.
func (e *exportBody) fill() error {
	for len(e.buffer) < exportPiece && !e.done {
		if err := e.take(); err != nil {
			e.logger.ErrorContext(e.lines, "an export broke off", "request_id", e.requestID, "error", err)
			return err
		}
	}
	return e.conn.SetWriteDeadline(time.Now().Add(e.writeTimeout))
}

// SupportsBodyWriteTo tells fasthttp that WriteTo may be used for chunks.
func (e *exportBody) SupportsBodyWriteTo() bool { return true }

// WriteTo implements io.WriterTo.
func (e *exportBody) WriteTo(w io.Writer) (written int64, err error) {
	for {
		if err := e.fill(); err != nil {
			return written, err
		}
		if len(e.buffer) == 0 {
			return written, nil
		}
		n, err := w.Write(e.buffer)
		written += int64(n)
		if err != nil {
			return written, err
		}
		e.buffer = e.buffer[:0]
	}
}

// Read implements io.Reader.
func (e *exportBody) Read([]byte) (int, error) {
	return 0, errors.ErrUnsupported // fasthttp uses WriteTo
}

// Close ends the query, however far the export got.
func (e *exportBody) Close() error {
	e.stop()
	return nil
}
