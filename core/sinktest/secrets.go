package sinktest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var secrets = []guarantee{
	{"nobody reads a secret again", unread},
	{"a secret that is not given stays", stays},
	{"no error tells a secret", untold},
	{"a secret is replaced without a gap", rotated},
}

func unread(s *suite) {
	former := s.destination()
	s.keeps("what everybody may read", string(former.Settings))
	stored, err := s.check(s.receiver.Settings, former)
	if err != nil {
		s.Fatalf("what was given once is refused when it is given again: %v", err)
	}
	s.keeps("what everybody may read", string(stored.Settings))
}

// withoutSecrets returns the receiver's settings as somebody gives them who does not
// know the secrets.
func (s *suite) withoutSecrets() json.RawMessage {
	s.Helper()
	given := s.given()
	for _, name := range s.target.Secrets {
		delete(given, name)
	}
	return encoded(given)
}

func stays(s *suite) {
	former := s.destination()
	kept, err := s.check(s.withoutSecrets(), former)
	if err != nil {
		s.Fatalf("settings without the secrets are refused, though these are known: %v", err)
	}
	if string(kept.Secrets) != string(former.Secrets) {
		s.Errorf("secrets that are not given do not stay")
	}
	s.keeps("what everybody may read", string(kept.Settings))
	s.deliver(s.open(kept), s.events(1))
}

func untold(s *suite) {
	for _, name := range s.target.Secrets {
		value := s.given()[name]
		for _, wrong := range []string{`[` + string(value) + `]`, `{"x":` + string(value) + `}`, `{"x":{"y":` + string(value) + `}}`} {
			_, _ = s.check(encoded(s.with(map[string]json.RawMessage{name: json.RawMessage(wrong)})), core.Destination{})
		}
		for _, text := range s.texts {
			for _, wrong := range []string{text + "\u0000", "\r\n" + text, text + text, text + " ", "ü" + text, text[:len(text)/2] + text} {
				quoted, _ := json.Marshal(wrong)
				_, _ = s.check(encoded(s.with(map[string]json.RawMessage{name: quoted})), core.Destination{})
			}
		}
	}
	if s.receiver.Away != nil {
		sink := s.sink()
		s.receiver.Away(true)
		s.fails(sink, s.events(1), 5*time.Second)
	}
}

func rotated(s *suite) {
	rotator, ok := s.target.Connector.(core.SecretRotator)
	if !ok {
		return
	}
	former := s.destination()
	before := copied(former)
	next, secret, err := rotator.Rotate(former, time.Now(), time.Hour)
	switch {
	case err != nil:
		s.Fatalf("Rotate: %v", err)
	case secret == "" || strings.Contains(string(former.Secrets), secret):
		s.Errorf("the secret is not a new one")
	case string(next.Secrets) == string(former.Secrets):
		s.Errorf("the secrets have not changed")
	case string(before.Secrets) != string(former.Secrets) || string(before.Settings) != string(former.Settings):
		s.Errorf("Rotate has changed the destination that it was given")
	}
	s.texts = append(s.texts, secret)
	s.keeps("what everybody may read", string(next.Settings))
	s.deliver(s.open(next), s.events(1))
	s.deliver(s.open(former), s.events(1))
}
