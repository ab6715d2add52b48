package server

import (
	"io"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// upload is the body of a request on its way. It has to keep up a least speed, because
// it takes memory while it is on its way.
//
// A window begins with the first byte and ends when need bytes have arrived. It must
// not take longer than span, so a client that stalls and one that drips are both let go
// after it. The end of a window is a deadline of the connection: nothing runs while the
// client is waited for.
//
// Only the time that the client is waited for counts. What the server does between two
// reads, as unpacking what has arrived, or asking how much memory there is for it, puts
// all deadlines off.
type upload struct {
	io.Reader
	conn    *conn
	need    int
	span    time.Duration
	arrived int
	// ends is when the window ends. It is zero before the first one.
	ends time.Time
	// returned is when the last read did.
	returned time.Time
}

// upload returns the body of a call, whose clock runs.
func (c *call) upload(stream io.Reader) io.Reader {
	conn, ok := c.ctx.Conn().(*conn)
	if !ok {
		return stream
	}
	limits := &c.server.Limits
	span := limits.ReadTimeout / 2
	return &upload{Reader: stream, conn: conn, span: span, need: max(int(float64(limits.UploadRate)*span.Seconds()), 1)}
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	u.wait(time.Now())
	n, err := u.Reader.Read(p)
	u.arrived += n
	u.returned = time.Now()
	if err != nil && isTimeout(err) && u.ends.Before(u.conn.readBy) {
		return n, errSlowUpload
	}
	return n, err
}

// wait goes on with the window, or begins one where there is none or it has what it needs.
// The time for the whole request goes on.
func (u *upload) wait(now time.Time) {
	if !u.returned.IsZero() {
		own := now.Sub(u.returned)
		u.ends, u.conn.readBy = u.ends.Add(own), u.conn.readBy.Add(own)
	}
	if u.ends.IsZero() || u.arrived >= u.need {
		u.arrived, u.ends = 0, now.Add(u.span)
	}
	deadline := u.ends
	if u.conn.readBy.Before(deadline) {
		deadline = u.conn.readBy
	}
	_ = u.conn.Conn.SetReadDeadline(deadline) // fails for a closed connection only, and so does the read
}

var errSlowUpload = core.Errorf(core.CodeTimeout, "the request's body arrives too slowly; its memory is needed for others")
