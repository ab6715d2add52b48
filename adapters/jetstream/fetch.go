package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/eventflow-go/eventflow/core"
)

// message is what a partition holds at one sequence.
type message struct {
	seq     uint64
	subject string
	data    []byte
}

// get asks for messages: the first one at or behind a sequence, or the last one.
type get struct {
	Seq     uint64   `json:"seq,omitempty"`
	NextFor string   `json:"next_by_subj,omitempty"`
	LastFor string   `json:"last_by_subj,omitempty"`
	Batch   int      `json:"batch,omitempty"`
	Bytes   int      `json:"max_bytes,omitempty"`
	Lasts   []string `json:"multi_last,omitempty"`
}

// replicaPatience bounds one question to any replica. One that is paused is asked until
// the other servers notice, which may take a minute, so the leader is asked instead.
const replicaPatience = 500 * time.Millisecond

// patience bounds one question to the leader. An election takes longer, so questions are repeated.
const patience = 2 * time.Second

// again repeats what nobody answered, until ctx ends. Nobody answers while servers
// choose a leader. What is asked changes nothing.
func (p *partition) again(ctx context.Context, do func() error) error {
	for tries := 1; ; tries++ {
		err := do()
		if !errors.Is(err, errNoAnswer) {
			return err
		}
		p.doubt()
		if tries%3 == 0 {
			p.link.move()
		}
		if pause(ctx, time.Duration(min(tries, 5))*50*time.Millisecond) != nil {
			return p.unavailable(err)
		}
	}
}

// unavailable is what a caller is told of a partition that does not answer.
func (p *partition) unavailable(err error) error {
	return core.Unavailable(err, 2*time.Second, fmt.Sprintf("partition %d of the event store does not answer; try again", p.number))
}

// apiError is how JetStream refuses.
type apiError struct {
	Code        int    `json:"code"`
	ErrCode     int    `json:"err_code"`
	Description string `json:"description"`
}

// Error implements error.
func (e *apiError) Error() string { return fmt.Sprintf("JetStream: %s (%d)", e.Description, e.ErrCode) }

// The numbers of JetStream's errors that mean something here.
const (
	codeAccountResources = 10002
	codeNoPeers          = 10005
	codeNotAvailable     = 10008
	codeResources        = 10023
	codeNoMessage        = 10037
	codeStreamNotFound   = 10059
	codeWrongSequence    = 10071
	codeStoreFailed      = 10077
	codeInUse            = 10058
	codeWrongSequenceNow = 10164 // another message of the subject is under way
	codeIncomplete       = 10176
	codeTooLarge         = 10199
	codeTooManyBatches   = 10210
)

// api asks JetStream's API, which the leader answers.
func (p *partition) api(ctx context.Context, verb string, ask, answer any) error {
	body := []byte(nil)
	if ask != nil {
		body, _ = json.Marshal(ask) // of plain fields
	}
	m, err := p.link.request(ctx, patience, &nats.Msg{Subject: "$JS.API." + verb + "." + p.stream, Data: body})
	if err != nil {
		return err
	}
	var refused struct {
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &refused); err != nil {
		return fmt.Errorf("JetStream's answer to %s: %w", verb, err)
	}
	if refused.Error != nil {
		if refused.Error.ErrCode == codeNotAvailable {
			return fmt.Errorf("%w: %w", errNoAnswer, refused.Error)
		}
		return refused.Error
	}
	return json.Unmarshal(m.Data, answer)
}

// code returns the number of a refusal, or 0.
func code(err error) int {
	if refused, ok := errors.AsType[*apiError](err); ok {
		return refused.ErrCode
	}
	return 0
}

// newest asks the leader for one message, or nil where there is none. That there is none,
// or that it is the last one, is believed of a leader only that knows as much as the
// partition had: else the error wraps [core.ErrLost].
func (p *partition) newest(ctx context.Context, g get) (*message, error) {
	for {
		found, err := p.fromLeader(ctx, g)
		if err != nil || found != nil && g.LastFor == "" {
			return found, err
		}
		sure, err := p.assure(ctx, believed)
		if err != nil || sure {
			return found, err
		}
	}
}

// fromLeader asks until somebody answers. Where there is one server, it answers a direct
// get as well, which spares it the text of a JSON.
func (p *partition) fromLeader(ctx context.Context, g get) (found *message, err error) {
	err = p.again(ctx, func() error {
		if p.replicas == 1 {
			found, err = p.direct(ctx, g)
		} else {
			found, err = p.byName(ctx, g)
		}
		return err
	})
	return found, err
}

func (p *partition) byName(ctx context.Context, g get) (*message, error) {
	var answer struct {
		Message struct {
			Subject string `json:"subject"`
			Seq     uint64 `json:"seq"`
			Data    []byte `json:"data"`
		} `json:"message"`
	}
	err := p.api(ctx, "STREAM.MSG.GET", g, &answer)
	switch code(err) {
	case 0:
	case codeNoMessage:
		return nil, nil
	case codeStreamNotFound:
		return nil, p.missing()
	default:
		return nil, p.unavailable(err)
	}
	if err != nil {
		return nil, err
	}
	return &message{answer.Message.Seq, answer.Message.Subject, answer.Message.Data}, nil
}

// direct asks any replica for one message. It may be behind.
func (p *partition) direct(ctx context.Context, g get) (*message, error) {
	body, _ := json.Marshal(g) // of plain fields
	m, err := p.link.request(ctx, replicaPatience, &nats.Msg{Subject: "$JS.API.DIRECT.GET." + p.stream, Data: body})
	if err != nil {
		return nil, err
	}
	switch status(m) {
	case "":
		return directMessage(m)
	case "404":
		return nil, nil
	}
	return nil, fmt.Errorf("JetStream refuses to read: %s %s", status(m), m.Header.Get("Description"))
}

func directMessage(m *nats.Msg) (*message, error) {
	seq, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
	if err != nil {
		return nil, errors.New("JetStream sent a message without a sequence")
	}
	return &message{seq, m.Header.Get("Nats-Subject"), m.Data}, nil
}

// answerRoom is how many answers to one question may come before they are looked at.
const answerRoom = 2048

// batch asks any replica for the next messages of a subject. It may be behind: that
// there are no more is to be asked of the leader. If the replica does not answer, the
// leader is asked for one message.
func (p *partition) batch(ctx context.Context, g get) (found []*message, err error) {
	body, _ := json.Marshal(g) // of plain fields
	found, _, err = p.collect(ctx, body)
	if !errors.Is(err, errNoAnswer) {
		return found, err
	}
	m, err := p.newest(ctx, get{Seq: g.Seq, NextFor: g.NextFor})
	if err != nil || m == nil {
		return nil, err
	}
	return []*message{m}, nil
}

// collect asks any replica for many messages. upTo is the replica's last sequence, if
// the question was for the last ones of subjects.
func (p *partition) collect(ctx context.Context, body []byte) (found []*message, upTo uint64, err error) {
	var refused error
	err = p.link.ask(ctx, replicaPatience, answerRoom, func(reply string) error {
		return p.link.conn.PublishMsg(&nats.Msg{Subject: "$JS.API.DIRECT.GET." + p.stream, Reply: reply, Data: body})
	}, func(m *nats.Msg) bool {
		switch status(m) {
		case "":
			one, err := directMessage(m)
			if err != nil {
				refused = err
				return true
			}
			found = append(found, one)
			return false
		case "204":
			upTo, _ = strconv.ParseUint(m.Header.Get("Nats-UpTo-Sequence"), 10, 64)
		case "404":
		default:
			refused = fmt.Errorf("JetStream refuses to read: %s %s", status(m), m.Header.Get("Description"))
		}
		return true
	})
	if err == nil {
		err = refused
	}
	return found, upTo, err
}

// maxLasts is how many subjects one question for last messages may name. A replica
// refuses to answer with more than 1,024.
const maxLasts = 1000

// lasts returns the last message of each subject, from a replica that knows everything
// up to a sequence. After three replicas that do not, or one that cannot read a message, it
// asks the leader. That a subject has nothing is believed only as [partition.find] does.
func (p *partition) lasts(ctx context.Context, subjects []string, known uint64) (map[string]*message, error) {
	last := make(map[string]*message, len(subjects))
	for len(subjects) > 0 {
		n := min(len(subjects), maxLasts)
		if err := p.someLasts(ctx, subjects[:n:n], known, last); err != nil {
			return nil, err
		}
		subjects = subjects[n:]
	}
	return last, nil
}

func (p *partition) someLasts(ctx context.Context, subjects []string, known uint64, last map[string]*message) error {
	body, _ := json.Marshal(get{Lasts: append([]string{p.marker()}, subjects...)}) // of plain fields
	for try := range 3 {
		if try > 0 {
			_ = pause(ctx, time.Duration(try)*3*time.Millisecond) // the next question sees that ctx has ended
		}
		found, upTo, err := p.collect(ctx, body)
		if err != nil || upTo == 0 {
			break // it is silent, or cannot read all of them: the marker is always there
		}
		if upTo < known {
			continue // it is behind
		}
		for _, m := range found {
			last[m.subject] = m
		}
		return nil
	}
	found := make([]*message, len(subjects))
	numbers := make([]int, len(subjects))
	for i := range numbers {
		numbers[i] = i
	}
	err := each(numbers, func(i int) (err error) {
		found[i], err = p.find(ctx, get{LastFor: subjects[i]})
		return err
	})
	for i, m := range found {
		if m != nil {
			last[subjects[i]] = m
		}
	}
	return err
}
