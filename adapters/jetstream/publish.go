package jetstream

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/eventflow-go/eventflow/core"
)

// outgoing is a message on its way into a partition.
type outgoing struct {
	subject string
	data    []byte
	// expect is the sequence that the subject's last message must have, 0 for none, or
	// anything where it is negative.
	expect int64
}

// anything expects nothing.
const anything = -1

// keys are the lines whose keys are to be written.
func (s *share) keys() (keys []*line) {
	for i := range s.lines {
		if l := &s.lines[i]; l.outcome == core.Stored && l.entry.IdempotencyKey != "" {
			keys = append(keys, l)
		}
	}
	return keys
}

// messages returns what a share adds to a partition: its blocks, then its keys, so that
// a key is behind its block and before the next one, then the mark of a new stream.
func (s *share) messages(p *partition, at time.Time) (all []outgoing) {
	subject, expect := p.blocks(s.stream), int64(s.head.seq)
	for _, b := range s.blocks {
		all = append(all, outgoing{subject, b.encode(), expect})
		expect = anything // within one batch only a subject's first message may expect
	}
	for _, l := range s.keys() {
		r := remembered{0, l.entry.ID, l.offset, at, l.entry.Fingerprint}
		before := int64(0)
		if l.known != nil {
			before = int64(l.known.seq)
		}
		all = append(all, outgoing{p.key(s.stream, l.entry.IdempotencyKey), r.encode(), before})
	}
	if len(s.blocks) > 0 && s.head.seq == 0 {
		all = append(all, p.mark(s.org, s.stream))
	}
	return all
}

// publish stores a plan and returns the sequence of its first message.
func (s *Storage) publish(ctx context.Context, p *partition, of *plan) (first uint64, err error) {
	var all []outgoing
	for _, one := range of.shares {
		all = append(all, one.messages(p, of.at)...)
	}
	high := p.known()
	first, err = p.settle(ctx, all)
	if err != nil {
		return 0, err
	}
	if first <= high {
		return 0, p.wentBack(first)
	}
	p.saw(first + uint64(len(all)) - 1)
	return first, nil
}

// acknowledged is JetStream's answer to what was sent.
type acknowledged struct {
	Seq   uint64    `json:"seq"`
	Batch string    `json:"batch"`
	Count int       `json:"count"`
	Error *apiError `json:"error"`
}

// chunk is how many messages of a batch are sent before the server must have taken them:
// it drops what overflows its queue of ten thousand.
const chunk = 2000

// sendPatience bounds the wait for an acknowledgement: a flush of a busy disk is fast
// against it, and an election is not.
const sendPatience = 5 * time.Second

// send sends messages, all or none of which are stored, and returns the sequence of the
// first. An error that wraps errNoAnswer leaves it open.
func (p *partition) send(ctx context.Context, all []outgoing) (first uint64, err error) {
	var ack acknowledged
	var broken error
	batch, sent := nats.NewInbox()[len(nats.InboxPrefix):], 0
	next := func(reply string) error {
		end := min(sent+chunk, len(all))
		for ; sent < end; sent++ {
			m := all[sent].message()
			if len(all) > 1 {
				m.Header["Nats-Batch-Id"], m.Header["Nats-Batch-Sequence"] = []string{batch}, []string{strconv.Itoa(sent + 1)}
			}
			if sent == len(all)-1 && len(all) > 1 {
				m.Header["Nats-Batch-Commit"] = []string{"1"}
			}
			if sent == end-1 {
				m.Reply = reply
			}
			if err := p.link.conn.PublishMsg(m); err != nil {
				return err
			}
		}
		return nil
	}
	var inbox string
	err = p.link.ask(ctx, sendPatience, 4, func(reply string) error {
		inbox = reply
		return next(reply)
	}, func(m *nats.Msg) bool {
		if len(m.Data) == 0 && sent < len(all) { // the chunk was taken
			broken = next(inbox)
			return broken != nil
		}
		broken = json.Unmarshal(m.Data, &ack)
		return true
	})
	switch {
	case err != nil:
		return 0, err
	case broken != nil:
		return 0, fmt.Errorf("%w: %w", errNoAnswer, broken)
	case ack.Error != nil:
		return 0, p.judge(ack.Error)
	}
	return ack.Seq - uint64(len(all)) + 1, nil
}

func (o *outgoing) message() *nats.Msg {
	m := &nats.Msg{Subject: o.subject, Data: o.data, Header: nats.Header{}}
	if o.expect >= 0 {
		m.Header["Nats-Expected-Last-Subject-Sequence"] = []string{strconv.FormatInt(o.expect, 10)}
	}
	return m
}

// judge says what a refusal means. What became of the messages is for others to say.
func (p *partition) judge(refused *apiError) error {
	switch refused.ErrCode {
	case codeWrongSequence, codeWrongSequenceNow, codeIncomplete, codeTooManyBatches:
		return fmt.Errorf("%w: %w", errOvertaken, refused)
	case codeNotAvailable, codeStoreFailed:
		return fmt.Errorf("%w: %w", errNoAnswer, refused)
	case codeTooLarge:
		return core.Unavailable(refused, time.Minute,
			"JetStream takes fewer messages at once than this append has; set jetstream.limits.batch.max_msgs to 20000 on every server")
	case codeResources, codeAccountResources:
		return core.StorageFull(refused, "the event store has no room left")
	}
	return core.Unavailable(refused, time.Second, "the event store refuses to store")
}
