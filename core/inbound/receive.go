package inbound

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// Answer is what a sender is to be told.
type Answer struct {
	// Receipts are those of the events that are durable now.
	Receipts []core.Receipt
	// Known says that the sender's id was seen before with another body, so nothing was
	// stored: senders change details when they send again.
	Known bool
	// Reply is the answer to a question of the sender's, to be written as JSON, or nil.
	Reply any
	// Quiet says that the sender shows people what it is answered.
	Quiet bool
}

// pausedFor is when senders to a paused source are told to come again.
const pausedFor = 5 * time.Minute

// Receive takes a request in and returns when its events are durable. What it refuses for
// good it keeps as a refusal of the source: [core.CodeUnauthorized] for what is not proven
// to be the sender's, other codes for what no event can be made of.
func (s *Sources) Receive(ctx context.Context, source *Open, request Request) (Answer, error) {
	switch {
	case source.State == core.SourcePaused:
		return Answer{}, core.Unavailable(nil, pausedFor, "this source is paused; send it again later")
	case source.sealed != nil:
		return Answer{}, core.Unavailable(source.sealed, pausedFor, "this source cannot check signatures now; send it again later")
	}
	answer, err := s.receive(ctx, source, request)
	answer.Quiet = source.preset.quiet
	if err != nil {
		s.Refused(ctx, source, request, err)
		if core.CodeOf(err) == core.CodeIdempotencyMismatch {
			answer.Known, err = true, nil
		}
	}
	return answer, err
}

func (s *Sources) receive(ctx context.Context, source *Open, request Request) (Answer, error) {
	if err := s.prove(source, request); err != nil {
		return Answer{}, err
	}
	payload, err := source.preset.payloadOf(request)
	if err != nil {
		return Answer{}, err
	}
	if source.preset.shake != nil {
		if reply, asked := source.preset.shake(request, payload); asked {
			return Answer{Reply: reply}, nil
		}
	}
	how := source.preset.of(request)
	payloads, err := how.split(payload)
	if err != nil {
		return Answer{}, err
	}
	drafts := make([]eventjson.Draft, len(payloads))
	for i, payload := range payloads {
		drafts[i], err = message{Open: source, Request: request, preset: how, payload: payload}.draft()
		if err != nil && len(payloads) == 1 {
			return Answer{}, err
		}
		drafts[i].Err = err
	}
	return s.store(ctx, source, request, drafts)
}

func (s *Sources) prove(source *Open, request Request) error {
	if source.preset.prove == nil {
		return nil
	}
	now := s.Now()
	return source.preset.prove(proof{Request: &request, secrets: source.kept.at(now), signature: source.Signature, now: now})
}

// store makes events durable. Of several the refused ones are kept as refusals, as long as
// others are taken: the sender would send all again for ever.
func (s *Sources) store(ctx context.Context, source *Open, request Request, drafts []eventjson.Draft) (answer Answer, err error) {
	stream := source.Stream.String()
	if len(drafts) == 1 {
		receipt, err := s.Ingest.Event(ctx, source.Principal(), stream, drafts[0])
		if err != nil {
			return Answer{}, err
		}
		return Answer{Receipts: []core.Receipt{receipt}}, nil
	}
	items, err := s.Ingest.Batch(ctx, source.Principal(), stream, drafts)
	if err != nil {
		return Answer{}, err
	}
	var refused []eventlog.Item
	for _, item := range items {
		switch {
		case item.Err == nil:
			answer.Receipts = append(answer.Receipts, item.Receipt)
		case !lasting(item.Err):
			return Answer{}, item.Err // all of it comes again
		default:
			refused = append(refused, item)
		}
	}
	if len(answer.Receipts) == 0 {
		return Answer{}, refused[0].Err
	}
	for _, item := range refused {
		s.Refused(ctx, source, request, item.Err)
	}
	return answer, nil
}
