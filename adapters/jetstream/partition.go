package jetstream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// partition is one JetStream stream.
type partition struct {
	link     *link
	number   int
	stream   string // its name
	prefix   string // of its subjects
	replicas int

	// looking is held, by sending, while the leader is asked how far it has come: others
	// wait for that answer, rather than ask as well.
	looking chan struct{}

	mu sync.Mutex
	// high is the highest sequence that this partition is known to have had. Everything
	// up to it was acknowledged by a majority, so a leader that knows less has lost
	// something, or has not read all of its own log yet.
	high uint64
	// doubts counts how often it became doubtful whether the leader still knows as much,
	// because nobody answered, or with another answer than expected.
	doubts uint64
	// cleared and looked are doubts and the link's generation before the last look that
	// ended well, and lookedAt when the last look began.
	cleared, looked uint64
	lookedAt        time.Time
	// behind says what is wrong with a leader that knows less. It is never written to, nor
	// believed where it says that there is no more. since is when that was found first.
	behind error
	since  time.Time
	// steppedDown is when a leader was last asked to step down.
	steppedDown time.Time
}

func newPartition(l *link, set settings, number int) *partition {
	return &partition{
		link: l, number: number, stream: streamName(set.name, number), prefix: set.name + "." + strconv.Itoa(number) + ".",
		replicas: set.replicas, doubts: 1, looking: make(chan struct{}, 1),
	}
}

// saw remembers a sequence that the leader told of.
func (p *partition) saw(seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.high = max(p.high, seq)
}

// known is the highest sequence that the partition is known to have had.
func (p *partition) known() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.high
}

// doubt has the next append look whether the leader knows what it must.
func (p *partition) doubt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doubts++
}

const (
	// lookAgain is how long a leader that is behind is not asked again.
	lookAgain = 50 * time.Millisecond
	// catchUp is how long a leader that is behind is waited for: one that has just become
	// the leader answers before it has read all of its own log.
	catchUp = 3 * time.Second
	// believed is for how long after a look a leader is believed that there is no more. It
	// is shorter than an election takes.
	believed = time.Second
)

// trust returns nil where the leader knows what it must, and looks if that is in doubt.
func (p *partition) trust(ctx context.Context) error {
	_, err := p.assure(ctx, math.MaxInt64)
	return err
}

// assure returns nil once the leader knows what it must. It looks if that is in doubt, or
// if the last look was longer ago than age; sure says that it did not have to. Those who
// come while a leader has not been behind for long wait for it.
func (p *partition) assure(ctx context.Context, age time.Duration) (sure bool, err error) {
	if p.sure(age) {
		return true, nil
	}
	for {
		err := p.look(ctx)
		if !errors.Is(err, core.ErrLost) || p.late() || pause(ctx, lookAgain) != nil {
			return false, err
		}
	}
}

func (p *partition) sure(age time.Duration) bool {
	generation := p.link.generation()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.behind == nil && p.cleared == p.doubts && p.looked == generation && time.Since(p.lookedAt) < age
}

func (p *partition) isBehind() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.behind != nil
}

// late says whether the leader has been behind for so long that waiting is in vain.
func (p *partition) late() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.behind != nil && time.Since(p.since) > catchUp
}

// look is verify, unless somebody else has just looked, or is about to.
func (p *partition) look(ctx context.Context) error {
	begun := time.Now()
	select {
	case p.looking <- struct{}{}:
	case <-ctx.Done():
		return p.unavailable(ctx.Err())
	}
	defer func() { <-p.looking }()
	if p.sure(time.Since(begun)) {
		return nil
	}
	p.mu.Lock()
	behind, at := p.behind, p.lookedAt
	p.mu.Unlock()
	if behind != nil && time.Since(at) < lookAgain {
		return behind
	}
	return p.verify(ctx)
}

// verify compares what the leader has with what it must have. It looks again at a
// leader that was behind: the one that knows all may have come back.
func (p *partition) verify(ctx context.Context) error {
	generation := p.link.generation()
	p.mu.Lock()
	asked, doubts, high := time.Now(), p.doubts, p.high
	p.mu.Unlock()
	state, err := p.info(ctx, nil)
	if err == nil && state.State.LastSeq < high {
		err = p.refusal(state.State.LastSeq, high)
	}
	if err != nil && !errors.Is(err, core.ErrLost) {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lookedAt = asked
	if err != nil {
		if p.behind == nil {
			p.since = asked
		}
		p.behind = err
		return err
	}
	p.high = max(p.high, state.State.LastSeq)
	p.behind, p.cleared, p.looked = nil, doubts, generation
	return nil
}

// wentBack says that the leader acknowledged a sequence that the partition had before, or
// ended a stream before a block that was there. That is no leader to wait for.
func (p *partition) wentBack(seq uint64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.behind, p.lookedAt, p.since = p.refusal(seq, p.high), time.Now(), time.Now().Add(-catchUp)
	return p.behind
}

func (p *partition) refusal(has, had uint64) error {
	return core.Unavailable(core.ErrLost, time.Minute, fmt.Sprintf(
		"partition %d of the event store ends at sequence %d, and it had come to %d: JetStream has lost the end of it, or has not read it yet. "+
			"Nothing is written to it; see adapters/jetstream/README.md",
		p.number, has, had))
}

// info is what the leader tells about a JetStream stream.
type info struct {
	Created time.Time `json:"created"`
	Config  config    `json:"config"`
	State   struct {
		LastSeq  uint64           `json:"last_seq"`
		Messages uint64           `json:"messages"`
		Bytes    uint64           `json:"bytes"`
		Subjects map[string]int64 `json:"subjects"`
	} `json:"state"`
	Cluster *struct {
		Leader   string `json:"leader"`
		Replicas []peer `json:"replicas"`
	} `json:"cluster"`
	Total  int `json:"total"`
	Offset int `json:"offset"`
}

// peer is another server that holds the stream.
type peer struct {
	Name    string `json:"name"`
	Current bool   `json:"current"`
	Offline bool   `json:"offline"`
	Lag     uint64 `json:"lag"`
}

// info asks the leader about the partition, and about what else ask names.
func (p *partition) info(ctx context.Context, ask any) (info, error) {
	var state info
	err := p.again(ctx, func() error {
		state = info{}
		err := p.api(ctx, "STREAM.INFO", ask, &state)
		if err == nil && state.Config.Replicas > 1 && (state.Cluster == nil || state.Cluster.Leader == "") {
			// Where there is no leader any server answers, by what it has itself.
			err = fmt.Errorf("%w: there is no leader now", errNoAnswer)
		}
		return err
	})
	if code(err) == codeStreamNotFound {
		return state, p.missing()
	}
	return state, err
}

// whole is info of a leader that knows as much as the partition had.
func (p *partition) whole(ctx context.Context, ask any) (info, error) {
	for {
		high := p.known()
		state, err := p.info(ctx, ask)
		if err != nil || state.State.LastSeq >= high {
			return state, err
		}
		p.doubt()
		if err := p.trust(ctx); err != nil {
			return state, err
		}
	}
}

func (p *partition) missing() error {
	return core.Unavailable(core.ErrLost, time.Minute, fmt.Sprintf(
		"JetStream has no stream %s. If this store is new, 'eventflow init' makes it. If it held events, it is lost: see adapters/jetstream/README.md", p.stream))
}

// examine refuses a JetStream stream that does not keep what a log must keep.
func (p *partition) examine(ctx context.Context) error {
	state, err := p.info(ctx, nil)
	if err != nil {
		return err
	}
	if differs := state.Config.differs(p.config()); differs != "" {
		return fmt.Errorf("the JetStream stream %s was not made by 'eventflow init', or was changed: %s", p.stream, differs)
	}
	return nil
}
