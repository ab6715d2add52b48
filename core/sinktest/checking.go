package sinktest

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/eventflow-go/eventflow/core"
)

var checking = []guarantee{
	{"what is right becomes a destination", becomes},
	{"what is no object is refused", noObject},
	{"an unknown field is refused by its name", unknown},
	{"a value of the wrong kind is refused by its field's name", wrongKind},
	{"a URL has no credentials, and is one", urls},
	{"what the destination cannot be is refused", cannotBe},
	{"what is read can be sent back", sentBack},
	{"many check at once", checkedAtOnce},
}

func becomes(s *suite) {
	to := s.destination()
	if to.Type != s.target.Type {
		s.Errorf("the destination's type is %q, not %q", to.Type, s.target.Type)
	}
	var settings, secrets map[string]json.RawMessage
	if json.Unmarshal(to.Settings, &settings) != nil || settings == nil {
		s.Errorf("the settings are no JSON object: %s", to.Settings)
	}
	if len(to.Secrets) > 0 && (json.Unmarshal(to.Secrets, &secrets) != nil || secrets == nil) {
		s.Errorf("the secrets are no JSON object")
	}
	if _, taken := settings["type"]; taken {
		s.Errorf("the settings have the type in them, which stands beside them")
	}
}

func noObject(s *suite) {
	given := string(s.receiver.Settings)
	for _, text := range []string{``, `null`, `[]`, `"x"`, `1`, `{`, given[:len(given)-1], given + given, given + `x`} {
		if _, err := s.check(json.RawMessage(text), core.Destination{}); core.CodeOf(err) != core.CodeValidation {
			s.Errorf("%q is answered with %v, not with %s", brief(text), err, core.CodeValidation)
		}
	}
}

// refuses holds Check to refusing settings, and to naming the field.
func (s *suite) refuses(what string, given map[string]json.RawMessage, field string) {
	s.Helper()
	for _, former := range []core.Destination{{}, s.destination()} {
		_, err := s.check(encoded(given), former)
		var known *core.Error
		if !errors.As(err, &known) || known.Code != core.CodeValidation {
			s.Errorf("%s: the answer is %v, not %s", what, err, core.CodeValidation)
			return
		}
		named := slices.ContainsFunc(known.Details, func(d core.Detail) bool {
			rest, found := strings.CutPrefix(d.Field, field)
			return found && (rest == "" || rest[0] == '.' || rest[0] == '[') && d.Reason != ""
		})
		if !named {
			s.Errorf("%s: %v names %v, not %s", what, err, known.Details, field)
		}
	}
}

func encoded(members map[string]json.RawMessage) json.RawMessage {
	text, _ := json.Marshal(members) // of valid JSON
	return text
}

// with returns the receiver's settings with other members; null removes one.
func (s *suite) with(changes map[string]json.RawMessage) map[string]json.RawMessage {
	s.Helper()
	given := s.given()
	for name, value := range changes {
		given[name] = value
		if string(value) == "null" {
			delete(given, name)
		}
	}
	return given
}

func unknown(s *suite) {
	for _, name := range []string{"surprise", "Surprise_2", "__proto__", "ü"} {
		s.refuses("the unknown field "+name, s.with(map[string]json.RawMessage{name: json.RawMessage(`1`)}), name)
	}
}

func wrongKind(s *suite) {
	for _, name := range slices.Sorted(maps.Keys(s.given())) {
		s.refuses("lists in "+name, s.with(map[string]json.RawMessage{name: json.RawMessage(`[[[]]]`)}), name)
	}
}

func urls(s *suite) {
	for _, name := range s.target.URLs {
		for _, text := range []string{
			"https://user:hunter2@example.com/", "http://user@example.com", "http://:x@example.com/", "ftp://example.com/", "file:///etc/passwd",
			"javascript:alert(1)", "https://", "https:///path", "//example.com", "example.com", "/path", "", " ", "https://exa mple.com/", "https://example.com/\u0000",
			"http://example.com:99999/", "http://example.com:port/", "http://[::1", "https://example.com/#fragment", "http://" + strings.Repeat("a", 5000) + "/",
		} {
			value, _ := json.Marshal(text)
			s.refuses("the URL "+brief(text), s.with(map[string]json.RawMessage{name: value}), name)
		}
		_, err := s.check(encoded(s.with(map[string]json.RawMessage{name: json.RawMessage(`"https://user:hunter2@example.com/"`)})), core.Destination{})
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			s.Errorf("the refusal of credentials repeats them: %v", err)
		}
	}
}

func cannotBe(s *suite) {
	for _, r := range s.target.Refused {
		var changes map[string]json.RawMessage
		if err := json.Unmarshal([]byte(r.Given), &changes); err != nil {
			s.Fatalf("%s is no JSON object: %v", r.Given, err)
		}
		s.refuses(r.Name, s.with(changes), r.Field)
	}
}

func sentBack(s *suite) {
	former := s.destination()
	same, err := s.check(former.Settings, former)
	switch {
	case err != nil:
		s.Errorf("what is read of a destination is refused when it is sent back: %v", err)
	case compact(same.Settings) != compact(former.Settings):
		s.Errorf("what is read and sent back becomes %s, and was %s", same.Settings, former.Settings)
	case string(same.Secrets) != string(former.Secrets):
		s.Errorf("what is read and sent back changes the secrets")
	default:
		s.deliver(s.open(same), s.events(1))
	}
}

func checkedAtOnce(s *suite) {
	former := s.destination()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 8 {
				if _, err := s.target.Connector.Check(s.receiver.Settings, former); err != nil {
					s.Errorf("one of many that checked at once failed: %v", err)
				}
			}
		})
	}
	group.Wait()
}
