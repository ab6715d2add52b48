package inbound

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/eventflow-go/eventflow/core"
)

// refusals bounds how many refusals this node stores, so that nobody who knows an address
// fills the disk by sending what is refused.
type refusals struct {
	// mu guards what follows.
	mu sync.Mutex
	// full is when the bucket of each source is full again, as [core.Limit.Take]
	// has it; that of the zero id is all sources' together.
	full map[core.ID]time.Time
}

// How many refusals are stored: of a source, and of all sources on this node.
var (
	refusalsOfOne = core.Limit{PerMinute: 30, Burst: core.MaxRefusals}
	refusalsOfAll = core.Limit{PerMinute: 600, Burst: 1000}
)

// maxRefusalBuckets bounds the buckets that are kept.
const maxRefusalBuckets = 10_000

func newRefusals() refusals { return refusals{full: map[core.ID]time.Time{}} }

// room takes a place for a refusal of a source, if there is one.
func (r *refusals) room(source core.ID, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.full) >= maxRefusalBuckets {
		clear(r.full)
	}
	return r.take(source, refusalsOfOne, now) && r.take(core.ID{}, refusalsOfAll, now)
}

func (r *refusals) take(bucket core.ID, limit core.Limit, now time.Time) bool {
	missing, state := limit.Take(r.full[bucket].Sub(now), 1)
	r.full[bucket] = now.Add(missing)
	return state.Allowed
}

// lasting reports whether a request would be refused again, however often it is sent.
func lasting(err error) bool {
	switch core.CodeOf(err) {
	case core.CodeValidation, core.CodeSchemaMismatch, core.CodeUnauthorized, core.CodeForbidden, core.CodeNotFound,
		core.CodePayloadTooLarge, core.CodeUnsupportedMedia, core.CodeIdempotencyMismatch:
		return true
	}
	return false
}

// Refused keeps a request that was refused for good, for people to see. Of very many some
// are not kept. What may be taken when it is sent again is no refusal.
func (s *Sources) Refused(ctx context.Context, source *Open, request Request, err error) {
	if !lasting(err) {
		return
	}
	if s.Refusal != nil {
		s.Refusal(source.ID, core.CodeOf(err))
	}
	now := s.Now.Stamp()
	if !s.refusals.room(source.ID, now) {
		return
	}
	known, _ := errors.AsType[*core.Error](err) // lasting ones are
	refusal := core.SourceRefusal{
		ID: core.RandomID(now), Source: source.ID, At: now, Code: known.Code, Reason: clipped(known.Message, core.MaxRefusalExcerpt),
		Address: clipped(request.From.Address, maxHeaderText), UserAgent: request.From.Browser(), RequestID: request.From.RequestID,
		Size: len(request.Body), Excerpt: excerpt(request.Body),
	}
	if err := s.Catalog.AddRefusal(ctx, refusal); err != nil {
		s.Logger.ErrorContext(ctx, "a refusal of a source could not be stored", "source_id", source.ID, "error", err)
	}
}

// excerpt returns how a body begins.
func excerpt(body []byte) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return '�'
		}
		return r
	}, strings.ToValidUTF8(string(body[:min(len(body), core.MaxRefusalExcerpt)]), "�"))
}
