package core

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Preset says how a source knows that a request is its sender's, and where it finds what
// it needs in it.
type Preset string

// The presets of a source.
const (
	PresetStripe  Preset = "stripe"
	PresetGitHub  Preset = "github"
	PresetShopify Preset = "shopify"
	PresetSlack   Preset = "slack"
	// PresetStandard is Standard Webhooks, which Svix's headers are a form of.
	PresetStandard Preset = "standard-webhooks"
	// PresetEventGrid is Azure Event Grid, in its own schema and in that of CloudEvents.
	PresetEventGrid Preset = "event-grid"
	// PresetHMAC is any other sender that signs its bodies, as [SourceSignature] says.
	PresetHMAC Preset = "hmac"
	// PresetNone believes whoever knows the address.
	PresetNone Preset = "none"
	// PresetKafka has no address: the server fetches the messages of topics.
	PresetKafka Preset = "kafka"
)

// Presets lists every preset.
var Presets = []Preset{PresetStripe, PresetGitHub, PresetShopify, PresetSlack, PresetStandard, PresetEventGrid, PresetHMAC, PresetNone, PresetKafka}

// Signs reports whether the preset's sender signs what it sends, by a secret.
func (p Preset) Signs() bool { return p != PresetNone && p != PresetEventGrid && !p.Fetches() }

// Fetches reports whether the server fetches events by itself, from a system that holds
// them. Such a source has no address.
func (p Preset) Fetches() bool { return p == PresetKafka }

// SourceState says whether a source takes events.
type SourceState string

// The states of a source.
const (
	SourceRunning SourceState = "running"
	// SourcePaused refuses everything for a while: senders come again.
	SourcePaused SourceState = "paused"
)

// Source is an address at which a sender that cannot speak this API puts events into a
// stream, or a system from which the server fetches them.
type Source struct {
	ID     ID `json:"id"`
	Org    ID `json:"-"`
	Stream ID `json:"stream_id"`
	// Name is unique in the organization, by the rules of a stream's name. It is the
	// `source` of the events.
	Name   string `json:"name"`
	Preset Preset `json:"preset"`
	SourceSettings
	State SourceState `json:"state"`
	// Feed is how it goes with what is fetched. It is in answers only.
	Feed *FeedStatus `json:"feed,omitempty"`
	// Masked is what people may see of the address: `in_…ab12`.
	Masked string `json:"masked,omitempty"`
	// Hash is the keyed hash of the address's secret part.
	Hash KeyHash `json:"-"`
	// Sealed holds that part, and the secrets of the sender, as a [Sealer] keeps them.
	Sealed []byte `json:"-"`
	// CreatedBy is the user or the key that made the source.
	CreatedBy ID `json:"created_by,omitzero"`
	// Revision counts the changes, from 1; it is the resource's ETag.
	Revision  int64     `json:"revision"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// SourceSettings is what people say of a source besides its preset.
type SourceSettings struct {
	Map SourceMap `json:"map"`
	// Headers are the names of headers that events keep in their context, besides those
	// that the preset keeps.
	Headers []string `json:"headers,omitempty"`
	// Signature is set for [PresetHMAC], and for no other preset.
	Signature *SourceSignature `json:"signature,omitempty"`
	// From is set where [Preset.Fetches] is true, and only there: what is fetched.
	From *Destination `json:"from,omitempty"`
}

// SourceMap says where the fields of an event are in a request. A place is
// `payload.<path>` or `header.<name>`. An empty one is the preset's. A place at which
// there is nothing leaves the field out.
type SourceMap struct {
	// Type may be a fixed text, too: whatever begins as no place does.
	Type string `json:"type,omitempty"`
	// ID becomes the idempotency key, behind the name of the source.
	ID string `json:"id,omitempty"`
	// Time is a time as in RFC 3339, or a number of seconds or milliseconds since 1970.
	Time    string `json:"time,omitempty"`
	Subject string `json:"subject,omitempty"`
}

// The beginnings of places.
const (
	PlacePayload = "payload."
	PlaceHeader  = "header."
)

// SourceSignature says how a sender signs the body: by an HMAC in a header.
type SourceSignature struct {
	Header    string `json:"header"`
	Algorithm string `json:"algorithm"` // sha1, sha256 or sha512
	Encoding  string `json:"encoding"`  // hex or base64
	// Prefix is what stands before the signature, such as `sha256=`.
	Prefix string `json:"prefix,omitempty"`
}

// The values of a signature's fields.
const (
	SHA1      = "sha1"
	SHA256    = "sha256"
	SHA512    = "sha512"
	InHex     = "hex"
	InBase64  = "base64"
	inPayload = "must be payload.<path> or header.<name>"
)

// The limits of a source.
const (
	MaxSourceHeaders  = 16
	MaxSourceSecret   = 1024
	MaxPlaceLength    = 255
	MaxRefusals       = 100
	MaxRefusalExcerpt = 1024
)

// SourceSpec describes a source to be made. Secret is what the sender signs with; it is
// kept encrypted and in no answer.
type SourceSpec struct {
	Name      string           `json:"name"`
	Stream    string           `json:"stream"` // a name or an id
	Preset    Preset           `json:"preset"`
	Secret    string           `json:"secret,omitempty"`
	Map       *SourceMap       `json:"map,omitempty"`
	Headers   []string         `json:"headers,omitempty"`
	Signature *SourceSignature `json:"signature,omitempty"`
	// From is a JSON object that says what is fetched, secrets included.
	From json.RawMessage `json:"from,omitempty"`
}

// SourceChange describes changes to a source; a nil field changes nothing. Another
// secret is good at once, and the one before for another day. The stream and the preset
// do not change: make another source.
type SourceChange struct {
	Name      *string          `json:"name,omitempty"`
	State     *SourceState     `json:"state,omitempty"`
	Secret    *string          `json:"secret,omitempty"`
	Map       *SourceMap       `json:"map,omitempty"`
	Headers   *[]string        `json:"headers,omitempty"`
	Signature *SourceSignature `json:"signature,omitempty"`
	From      json.RawMessage  `json:"from,omitempty"`
}

// SourceRefusal is a request to a source that was kept out of the stream, and why; or a message
// that the source has fetched.
type SourceRefusal struct {
	ID     ID        `json:"id"`
	Source ID        `json:"-"`
	At     time.Time `json:"at"`
	Code   Code      `json:"code"`
	Reason string    `json:"reason"`
	// Address, UserAgent and RequestID are the request's. Address is the place of a message
	// that was fetched.
	Address   string `json:"address,omitempty"`
	UserAgent string `json:"user_agent,omitempty"`
	RequestID string `json:"request_id,omitempty"`
	// Size is how many bytes the body had, and Excerpt is how it began.
	Size    int    `json:"size"`
	Excerpt string `json:"excerpt,omitempty"`
}

// Apply makes a change, but for the secret, and checks the result. On an error part of
// it may have been made.
func (s *Source) Apply(change SourceChange) error {
	if change.Name != nil {
		if err := CheckSeen("name", *change.Name); err != nil {
			return err
		}
	}
	set(&s.Name, change.Name)
	set(&s.State, change.State)
	set(&s.Map, change.Map)
	set(&s.Headers, change.Headers)
	if change.Signature != nil {
		s.Signature = change.Signature
	}
	if err := CheckName(s.Name); err != nil {
		return err
	}
	if s.State != SourceRunning && s.State != SourcePaused {
		return Invalid("state", "must be %s or %s", SourceRunning, SourcePaused)
	}
	return s.check(s.Preset)
}

// check refuses settings that do not fit their preset.
func (s *SourceSettings) check(preset Preset) error {
	if !slices.Contains(Presets, preset) {
		return Invalid("preset", "must be one of: %s", Listed(Presets))
	}
	switch {
	case preset == PresetHMAC && s.Signature == nil:
		return Invalid("signature", "is required with the preset %s: say the header, the algorithm and the encoding", preset)
	case preset != PresetHMAC && s.Signature != nil:
		return Invalid("signature", "is for the preset %s only: %s has its own", PresetHMAC, preset)
	}
	switch {
	case preset.Fetches() && s.From == nil:
		return Invalid("from", "is required with the preset %s: an object that says what is fetched", preset)
	case !preset.Fetches() && s.From != nil:
		return Invalid("from", "is for presets that fetch only: %s is sent to", preset)
	}
	if err := s.Signature.check(); err != nil {
		return err
	}
	if len(s.Headers) > MaxSourceHeaders {
		return Invalid("headers", "must have at most %d members, has %d", MaxSourceHeaders, len(s.Headers))
	}
	for _, name := range s.Headers {
		if err := checkHeader("headers", name); err != nil {
			return err
		}
	}
	return s.Map.check()
}

// secretHeaders let somebody in and are never kept.
var secretHeaders = []string{"authorization", "cookie", "proxy-authorization", "x-api-key"}

// SecretHeader reports whether a header lets somebody in.
func SecretHeader(name string) bool { return slices.Contains(secretHeaders, strings.ToLower(name)) }

func checkHeader(field, name string) error {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	lower := strings.ToLower(name)
	if name == "" || len(name) > 100 || strings.Trim(lower, letters) != "" {
		return Invalid(field, "must be names of headers: up to 100 letters, digits, hyphens and underscores")
	}
	if SecretHeader(name) {
		return Invalid(field, "must not name %s: it holds a credential, which no event may show", name)
	}
	return nil
}

func (s *SourceSignature) check() error {
	switch {
	case s == nil:
		return nil
	case !slices.Contains([]string{SHA1, SHA256, SHA512}, s.Algorithm):
		return Invalid("signature.algorithm", "must be %s, %s or %s", SHA1, SHA256, SHA512)
	case s.Encoding != InHex && s.Encoding != InBase64:
		return Invalid("signature.encoding", "must be %s or %s", InHex, InBase64)
	}
	if err := CheckText("signature.prefix", s.Prefix, 0, 100); err != nil {
		return err
	}
	return checkHeader("signature.header", s.Header)
}

func (m SourceMap) check() error {
	for _, place := range []struct {
		field, text string
		fixed       bool
	}{{"map.type", m.Type, true}, {"map.id", m.ID, false}, {"map.time", m.Time, false}, {"map.subject", m.Subject, false}} {
		if place.text == "" {
			continue
		}
		if err := CheckText(place.field, place.text, 1, MaxPlaceLength); err != nil {
			return err
		}
		name, inHeader := strings.CutPrefix(place.text, PlaceHeader)
		switch {
		case inHeader:
			if err := checkHeader(place.field, name); err != nil {
				return err
			}
		case place.text == PlacePayload || !place.fixed && !strings.HasPrefix(place.text, PlacePayload):
			return Invalid(place.field, inPayload)
		}
	}
	return nil
}

// Sources keeps the addresses at which senders put events in, and what was refused there. The
// sources of a deleted stream are gone for every method, and their names are free, whatever
// becomes of them inside.
type Sources interface {
	SourceReader
	SourceWriter
	SourceRefusals
	FeedNotes
}

// SourceReader finds sources.
type SourceReader interface {
	// Source returns a source by id, or [CodeNotFound].
	Source(ctx context.Context, org, id ID) (Source, error)
	// SourceByHash returns the source whose Hash this is, or [CodeNotFound].
	SourceByHash(ctx context.Context, hash KeyHash) (Source, error)
	// Sources returns at most limit sources with an id greater than after, by id: of an
	// organization, or of all if org is zero.
	Sources(ctx context.Context, org, after ID, limit int) ([]Source, error)
	// RunningFeeds returns at most limit running sources of any organization whose preset
	// fetches, with an id greater than after, by id.
	RunningFeeds(ctx context.Context, after ID, limit int) ([]Source, error)
}

// SourceWriter makes sources and changes them.
type SourceWriter interface {
	// CreateSource stores a new source. A name that the organization has is a
	// [CodeConflict].
	CreateSource(ctx context.Context, source Source) error
	// UpdateSource replaces the source whose stored Revision is one less than the given
	// one; Stream, Preset, CreatedBy and CreatedAt stay. Another stored Revision is a
	// [CodePreconditionFailed]. That is checked first; a taken name is a [CodeConflict].
	// No such source in the organization is [CodeNotFound].
	UpdateSource(ctx context.Context, source Source) error
	// DeleteSource removes a source with its refusals and notes; no such source in the
	// organization is [CodeNotFound].
	DeleteSource(ctx context.Context, org, id ID) error
}

// SourceRefusals keeps what sources have refused.
type SourceRefusals interface {
	// AddRefusal stores a refusal and removes the oldest ones of its source, by id, beyond
	// [MaxRefusals]. Without such a source it does nothing.
	AddRefusal(ctx context.Context, refusal SourceRefusal) error
	// Refusals returns the refusals of a source, newest first, by id.
	Refusals(ctx context.Context, source ID) ([]SourceRefusal, error)
}

// FeedNotes keeps how nodes get on with the feeds of sources.
type FeedNotes interface {
	// NoteFeed stores the note of a node in the place of its last one about the source,
	// and removes those of other nodes about it that are older than the note by
	// [FeedNoteFor]. Without such a source it does nothing.
	NoteFeed(ctx context.Context, note FeedNote) error
	// FeedNotes returns the notes about sources whose At is not before since, in any order.
	FeedNotes(ctx context.Context, sources []ID, since time.Time) ([]FeedNote, error)
}
