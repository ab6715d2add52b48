// Package destination reads what people say about the destination of a processor, and
// keeps its secrets apart. The connectors share it, so that a field is refused and a
// secret kept by the same rules whatever the destination is.
//
// A connector describes its settings by a struct of strings, numbers, booleans, lists of
// strings and maps of strings, in which others may be embedded. Each field has the name that
// people write in its json tag. Its destination tag may say more:
//
//   - `secret`, of a string: it is stored apart, and shown masked.
//   - `place`: it says where events are sent. A secret that was given for one place is
//     not sent to another one.
package destination

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// Read reads what somebody says about a destination of a type into a pointer to its
// settings, which hold the defaults. A member `type` has to be that type. The error is a
// [core.CodeValidation] error that names the field.
func Read(given json.RawMessage, kind string, settings any) error {
	fields := fieldsOf(settings)
	return eventjson.Members(given, func(name string, value []byte) error {
		if name == "type" {
			if text, ok := eventjson.TextOf(value); !ok || text != kind {
				return core.Invalid(name, "must be %q", kind)
			}
			return nil
		}
		for _, f := range fields {
			if f.name == name {
				return f.read(value)
			}
		}
		return core.Invalid(name, "is no setting of the type %q, which has %s", kind, names(fields))
	})
}

// KeepSecrets fills the secrets that were not given from the former destination, which
// is zero where there was none. Call it when the settings are as they will be stored.
//
// Where events are sent to another place than formerly, a secret has to be given anew:
// somebody who may change a destination, and may not read its secrets, would otherwise
// have them sent to a place of their own.
func KeepSecrets(former core.Destination, settings any) error {
	before := reflect.New(reflect.TypeOf(settings).Elem()).Interface()
	if len(former.Settings) > 0 {
		if err := Load(former, before); err != nil {
			return err
		}
	}
	was := fieldsOf(before)
	moved := false
	fields := fieldsOf(settings)
	for i, f := range fields {
		moved = moved || f.place && !reflect.DeepEqual(f.value.Interface(), was[i].value.Interface())
	}
	for i, f := range fields {
		if !f.secret {
			continue
		}
		old, given := was[i].value.String(), f.value.String()
		if given != "" && (old == "" || given != Mask(old)) {
			if strings.Contains(given, dots) {
				return core.Invalid(f.name, "is masked: give the secret itself, or leave it out to keep it")
			}
			continue
		}
		if moved && old != "" {
			return core.Invalid(f.name, "must be given again, because it would be told to another place")
		}
		f.value.SetString(old)
	}
	return nil
}

// New returns the destination of a type with settings, a pointer to them.
func New(kind string, settings any) (core.Destination, error) {
	shown := reflect.New(reflect.TypeOf(settings).Elem())
	shown.Elem().Set(reflect.ValueOf(settings).Elem())
	secrets := map[string]string{}
	for _, f := range fieldsOf(shown.Interface()) {
		if f.secret && f.value.String() != "" {
			secrets[f.name] = f.value.String()
			f.value.SetString(Mask(f.value.String()))
		}
	}
	to := core.Destination{Type: kind}
	var err error
	if to.Settings, err = json.Marshal(shown.Interface()); err != nil || len(secrets) == 0 {
		return to, err
	}
	to.Secrets, err = json.Marshal(secrets)
	return to, err
}

// Load reads a destination that [New] has made into a pointer to its settings, secrets
// included.
func Load(to core.Destination, settings any) error {
	if err := json.Unmarshal(to.Settings, settings); err != nil {
		return fmt.Errorf("the stored settings of a destination of the type %q cannot be read: %w", to.Type, err)
	}
	secrets := map[string]string{}
	if len(to.Secrets) > 0 {
		if err := json.Unmarshal(to.Secrets, &secrets); err != nil {
			// The parser's own text would quote a part of the secrets.
			return fmt.Errorf("the stored secrets of a destination of the type %q cannot be read", to.Type)
		}
	}
	for _, f := range fieldsOf(settings) {
		if f.secret {
			f.value.SetString(secrets[f.name])
		}
	}
	return nil
}

const (
	dots = "••••"
	// A secret shows its end only where what is left is too much to guess.
	shownEnd, longEnough = 4, 20
)

// Mask returns what is shown of a secret.
func Mask(secret string) string {
	if len(secret) < longEnough || !utf8.ValidString(secret) || strings.ContainsFunc(secret, func(r rune) bool { return r > '~' }) {
		return dots
	}
	return dots + secret[len(secret)-shownEnd:]
}

// field is a member of the settings.
type field struct {
	name          string
	secret, place bool
	value         reflect.Value
}

func fieldsOf(settings any) []field { return membersOf(reflect.ValueOf(settings).Elem()) }

// membersOf returns the fields of a struct, and of those embedded in it in their place.
func membersOf(of reflect.Value) (fields []field) {
	for i := range of.NumField() {
		described := of.Type().Field(i)
		if described.Anonymous {
			fields = append(fields, membersOf(of.Field(i))...)
			continue
		}
		name, _, _ := strings.Cut(described.Tag.Get("json"), ",")
		role := described.Tag.Get("destination")
		fields = append(fields, field{name: name, secret: role == "secret", place: role == "place", value: of.Field(i)})
	}
	return fields
}

func names(fields []field) string {
	texts := make([]string, len(fields))
	for i, f := range fields {
		texts[i] = f.name
	}
	if len(texts) == 0 {
		return "none"
	}
	return strings.Join(texts, ", ")
}

// read sets the field. A null leaves it at its default.
func (f field) read(value []byte) error {
	if string(value) == "null" {
		return nil
	}
	// What was the default is no part of a list that is given.
	into := reflect.New(f.value.Type())
	if err := json.Unmarshal(value, into.Interface()); err != nil {
		return core.Invalid(f.name, "must be %s", f.form())
	}
	f.value.Set(into.Elem())
	return nil
}

// form names what the field takes.
func (f field) form() string {
	kind := f.value.Type()
	if kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	switch {
	case kind == reflect.TypeFor[core.Seconds]():
		return "a number of seconds"
	case kind.Kind() == reflect.String:
		return "a text"
	case kind.Kind() == reflect.Bool:
		return "true or false"
	case kind.Kind() == reflect.Slice:
		return "a list of texts"
	case kind.Kind() == reflect.Map:
		return "an object of texts"
	}
	return "a whole number"
}
