// Package smtp sends mail through a server that relays it. It does so in the
// background: if a request waited for the mail server, the time that it takes
// would tell whether there is a user with the address.
package smtp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"
)

// Mailer implements [core.Mailer]. One goroutine sends, a message at a time.
type Mailer struct {
	client *mail.Client
	from   string
	logger *slog.Logger
	// queue has the messages that wait. It is never closed, so a Send that meets
	// Close does not panic; its message may then not be sent.
	queue chan letter
	// stop has the goroutine finish, and stopped is closed once it has.
	stop    context.CancelFunc
	stopped chan struct{}
}

// letter is a message that waits.
type letter struct{ to, subject, text string }

// sendTimeout bounds the sending of one message, and closeTimeout the sending of
// all that still wait at the end. maxWaiting is how many may wait.
const (
	sendTimeout  = 15 * time.Second
	closeTimeout = 10 * time.Second
	maxWaiting   = 1000
)

// Open returns a mailer that sends from an address through the server of a URL:
// `smtps://user:password@host:465`, or `smtp://…:587`, which insists on
// STARTTLS unless the URL ends with `?tls=off`. Close it.
func Open(text, from string, logger *slog.Logger) (*Mailer, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		// The parser's own text would quote the URL, and with it the password.
		return nil, errors.New("must be a URL like smtps://user:password@host:465 or smtp://host:587")
	}
	if err := mail.NewMsg().From(from); err != nil {
		return nil, fmt.Errorf("cannot send from %q: it is not an email address", from)
	}
	options := []mail.Option{mail.WithTimeout(sendTimeout), mail.WithTLSPolicy(mail.TLSMandatory), mail.WithPort(587)}
	switch {
	case u.Scheme == "smtps":
		options = append(options, mail.WithSSL(), mail.WithPort(465))
	case u.Query().Get("tls") == "off":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS), mail.WithPort(25))
	}
	if port, err := strconv.Atoi(u.Port()); err == nil {
		options = append(options, mail.WithPort(port))
	}
	if password, ok := u.User.Password(); ok {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(u.User.Username()), mail.WithPassword(password))
	}
	client, err := mail.NewClient(u.Hostname(), options...)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	m := &Mailer{
		client: client, from: from, logger: logger, queue: make(chan letter, maxWaiting), stop: stop, stopped: make(chan struct{}),
	}
	go m.run(ctx)
	return m, nil
}

// Send implements [core.Mailer]. It returns at once. A message that cannot be sent
// is logged and not kept: whoever waits for a link can ask for another one.
func (m *Mailer) Send(_ context.Context, to, subject, text string) error {
	select {
	case m.queue <- letter{to, subject, text}:
	default:
		m.logger.Error("an email was dropped: too many are waiting for the mail server", "subject", subject)
	}
	return nil
}

// Close sends the messages that wait, for closeTimeout at most.
func (m *Mailer) Close() error {
	m.stop()
	<-m.stopped
	return nil
}

// run sends until ctx ends, and then what still waits. The end of ctx is no reason
// to cut a message off that is on its way.
func (m *Mailer) run(ctx context.Context) {
	defer close(m.stopped)
	for {
		select {
		case l := <-m.queue:
			m.attempt(context.WithoutCancel(ctx), l)
		case <-ctx.Done():
			m.finish(context.WithoutCancel(ctx))
			return
		}
	}
}

// finish sends the messages that wait now. It is the only one to take from the
// queue, so what it has counted is there.
func (m *Mailer) finish(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	for range len(m.queue) {
		m.attempt(ctx, <-m.queue)
	}
}

// attempt sends a message, and logs why it could not. It does not log the text,
// which holds a link that lets somebody in.
func (m *Mailer) attempt(ctx context.Context, l letter) {
	if err := m.send(ctx, l.to, l.subject, l.text); err != nil {
		m.logger.Error("an email could not be sent", "subject", l.subject, "error", err)
	}
}

func (m *Mailer) send(ctx context.Context, to, subject, text string) error {
	message := mail.NewMsg()
	if err := message.From(m.from); err != nil {
		return err
	}
	if err := message.To(to); err != nil {
		return err
	}
	message.Subject(subject)
	message.SetBodyString(mail.TypeTextPlain, text)
	return m.client.DialAndSendWithContext(ctx, message)
}
