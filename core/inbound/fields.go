package inbound

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// message is one event in a request.
type message struct {
	*Open
	Request
	// preset says how it is read, which may be otherwise than the source's has it.
	preset  *preset
	payload []byte
	// all names headers that are kept besides those that the preset and the source name.
	all []string
	// place is the id where the source names none.
	place string
}

// draft makes an event of a message.
func (m message) draft() (eventjson.Draft, error) {
	p, own := m.preset, m.Map
	event := core.Event{
		Type: m.kind(), Subject: clipped(m.first(own.Subject, p.subjects), core.MaxSubjectLength),
		OccurredAt: m.time(m.first(own.Time, p.times)), IdempotencyKey: m.key(cmp.Or(m.id(), m.place)),
		Payload: m.payload, Context: m.context(),
	}
	draft, err := eventjson.NewDraft(event, "")
	if err != nil {
		return draft, err
	}
	err = draft.Apply(eventjson.Hints{Traceparent: m.Header("Traceparent")})
	return draft, err
}

// id returns what the sender calls the message, or "".
func (m message) id() string {
	id := m.first(m.Map.ID, m.preset.ids)
	if id == "" || m.Map.ID != "" || m.preset.idsOf == "" {
		return id
	}
	return m.at(m.preset.idsOf) + " " + id
}

// first returns the text at the place that the source names, or else at the first of the
// preset's that has any.
func (m message) first(own string, places []string) string {
	if own != "" {
		places = []string{own}
	}
	for _, place := range places {
		if text := m.at(place); text != "" {
			return text
		}
	}
	return ""
}

// at returns the text at a place, or "".
func (m message) at(place string) string {
	if name, is := strings.CutPrefix(place, core.PlaceHeader); is {
		return m.preset.unescaped(m.Header(name))
	}
	return textAt(m.payload, place)
}

// kind returns the type of the event.
func (m message) kind() string {
	own := m.Map.Type
	if own != "" && !strings.HasPrefix(own, core.PlacePayload) && !strings.HasPrefix(own, core.PlaceHeader) {
		return own
	}
	kind := m.first(own, m.preset.types)
	if kind == "" {
		return defaultType
	}
	if own == "" && m.preset.detail != "" {
		if detail := m.at(m.preset.detail); detail != "" {
			kind += "." + detail
		}
	}
	return kind
}

// key returns the idempotency key: the sender's id behind the source's name, because ids of
// several senders may be alike. One that is too long is hashed.
func (m message) key(id string) string {
	if id == "" {
		return ""
	}
	key := m.Name + ":" + id
	if utf8.RuneCountInString(key) > core.MaxIdempotencyKeyLength || strings.ContainsFunc(key, unicode.IsControl) || !utf8.ValidString(key) {
		hash := sha256.Sum256([]byte(key))
		return "sha256:" + hex.EncodeToString(hash[:])
	}
	return key
}

// time reads a time as senders write it: by RFC 3339, or as a number since 1970 of seconds,
// milliseconds or microseconds, as its size says. Any other text is the zero time, which
// stands for now.
func (message) time(text string) time.Time {
	if at, err := eventjson.ParseTime("", text); err == nil {
		return at
	}
	number, err := strconv.ParseFloat(text, 64)
	const latest = 1e11 // seconds, in the year 5138
	switch {
	case err != nil || !(number > 0) || number >= latest*1e6:
		return time.Time{}
	case number < latest:
		number *= 1e6
	case number < latest*1e3:
		number *= 1e3
	}
	return time.UnixMicro(int64(math.Round(number))).UTC() // exact: there are fewer than 2⁵³
}

// maxHeaderText bounds what is kept of one header, and maxHeaders how many are kept: there
// is room for what a trace adds.
const (
	maxHeaderText = 256
	maxHeaders    = core.MaxContextPairs - 2
)

// context returns the headers that are kept, as far as there is room for them.
func (m message) context() []byte {
	kept := []byte{'{'}
	names := slices.Concat(m.preset.headers, m.Headers, m.all)
	pairs := 0
	for i, name := range names {
		if pairs == maxHeaders {
			break
		}
		value := clipped(m.Header(name), maxHeaderText)
		if value == "" || slices.ContainsFunc(names[:i], func(other string) bool { return strings.EqualFold(other, name) }) {
			continue
		}
		text, err := json.Marshal(value)
		member := `"` + strings.ToLower(name) + `":` + string(text)
		if err != nil || len(kept)+len(member)+2 > core.MaxContextBytes {
			continue
		}
		pairs++
		if len(kept) > 1 {
			kept = append(kept, ',')
		}
		kept = append(kept, member...)
	}
	if len(kept) == 1 {
		return nil
	}
	return append(kept, '}')
}

// clipped returns a text without control characters, cut to so many characters.
func clipped(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most])
	}
	return text
}

// checkPaths refuses places that cannot be read.
func checkPaths(places core.SourceMap) error {
	for field, place := range map[string]string{"map.type": places.Type, "map.id": places.ID, "map.time": places.Time, "map.subject": places.Subject} {
		path, is := strings.CutPrefix(place, core.PlacePayload)
		if is && eventjson.CheckPath(path) != nil {
			return core.Invalid(field, `has a key in quotes that is no JSON string; write one as in payload.user."first.name"`)
		}
	}
	return nil
}
