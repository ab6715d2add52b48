package smtp

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// office is a mail server of few words. It begins to answer when it is opened.
type office struct {
	url      string
	open     chan struct{}
	received chan string
}

func newOffice(t *testing.T) *office {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	o := &office{url: "smtp://" + listener.Addr().String(), open: make(chan struct{}), received: make(chan string, 10)}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			<-o.open
			o.talk(conn)
		}
	}()
	return o
}

func (o *office) talk(conn net.Conn) {
	defer conn.Close()
	fmt.Fprint(conn, "220 here\r\n")
	var text strings.Builder
	inText := false
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		line := lines.Text()
		switch {
		case inText && line == ".":
			inText = false
			o.received <- text.String()
			fmt.Fprint(conn, "250 ok\r\n")
		case inText:
			text.WriteString(line + "\n")
		case line == "DATA":
			inText = true
			fmt.Fprint(conn, "354 go on\r\n")
		case line == "QUIT":
			fmt.Fprint(conn, "221 bye\r\n")
			return
		default:
			text.WriteString(line + "\n")
			fmt.Fprint(conn, "250 ok\r\n")
		}
	}
}

func open(t *testing.T, url string) (*Mailer, *bytes.Buffer) {
	t.Helper()
	var logged bytes.Buffer // read after Close only
	m, err := Open(url, "events@example.com", slog.New(slog.NewTextHandler(&logged, nil)))
	require.NoError(t, err)
	return m, &logged
}

// Whoever sends does not wait for the mail server, and the end of the server
// does.
func TestMailIsSentInTheBackground(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	m, logged := open(t, o.url+"?tls=off")
	require.NoError(t, m.Send(t.Context(), "ann@example.com", "first", "the link"))
	require.NoError(t, m.Send(t.Context(), "bob@example.com", "second", "the other link"))
	require.Empty(t, o.received, "the mail server has not said a word yet")
	close(o.open)
	require.NoError(t, m.Close())
	require.Empty(t, logged.String())
	require.Len(t, o.received, 2)
	for _, wanted := range [][]string{{"RCPT TO:<ann@example.com>", "Subject: first", "the link"}, {"RCPT TO:<bob@example.com>", "Subject: second"}} {
		got := <-o.received
		for _, part := range append(wanted, "MAIL FROM:<events@example.com>") {
			require.Contains(t, got, part)
		}
	}
}

// A mail server that speaks no TLS gets nothing to read, unless the settings
// say so; the log says why, and not what.
func TestMailInsistsOnTLS(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	close(o.open)
	m, logged := open(t, o.url)
	require.NoError(t, m.Send(t.Context(), "ann@example.com", "subject", "the link"))
	require.NoError(t, m.Close())
	require.Empty(t, o.received)
	require.Contains(t, logged.String(), "an email could not be sent")
	require.Contains(t, logged.String(), "STARTTLS")
	require.NotContains(t, logged.String(), "the link")
}

// More mails than may wait are dropped and logged, and nobody is held up.
func TestMailsThatWaitAreBounded(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	m, logged := open(t, o.url)
	for range maxWaiting + 2 { // one more may be on its way
		require.NoError(t, m.Send(t.Context(), "ann@example.com", "subject", "the link"))
	}
	require.Contains(t, logged.String(), "too many are waiting", "nothing else was logged before the mail server answered")
	for len(m.queue) > 0 {
		<-m.queue
	}
	close(o.open)
	require.NoError(t, m.Close())
}

func TestAWrongURLIsRefusedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"http://ann:hush@host", "smtp://ann:hush@", "smtp://ann:hush@ho st", "ann:hush"} {
		_, err := Open(url, "events@example.com", slog.Default())
		require.Error(t, err, url)
		require.NotContains(t, err.Error(), "hush")
	}
	_, err := Open("smtp://host", "nobody", slog.Default())
	require.ErrorContains(t, err, "not an email address")
}
