// Package smtp sends mail through a server that relays it.
package smtp

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"
)

// Mailer implements [core.Mailer].
type Mailer struct {
	client *mail.Client
	from   string
}

// sendTimeout bounds one message.
const sendTimeout = 15 * time.Second

// Open returns a mailer that sends from an address through the server of a URL:
// `smtps://user:password@host:465`, or `smtp://…:587`, which insists on
// STARTTLS unless the URL ends with `?tls=off`.
func Open(text, from string) (*Mailer, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		// The parser's own text would quote the password.
		return nil, errors.New("must be a URL like smtps://user:password@host:465 or smtp://host:587")
	}
	if err := mail.NewMsg().From(from); err != nil {
		return nil, fmt.Errorf("cannot send from %q: it is not an address", from)
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
	return &Mailer{client: client, from: from}, nil
}

// Send implements [core.Mailer].
func (m *Mailer) Send(ctx context.Context, to, subject, text string) error {
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
