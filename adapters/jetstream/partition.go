package jetstream

import (
	"context"
	"fmt"
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

	mu sync.Mutex
	// high is the highest sequence that this partition is known to have had. Everything
	// up to it was acknowledged by a majority, so a leader that knows less has lost
	// something.
	high uint64
	// doubted is set while it is not known whether the leader still knows as much: since
	// the last look nobody answered, or another answer than expected came.
	doubted bool
	// looked is the link's generation at the last look.
	looked uint64
	// behind says what is wrong with a leader that knows less. It is never written to.
	// lookedAt is when that was found, because a server that has just become the leader
	// may answer before it has read all of its own log.
	behind   error
	lookedAt time.Time
}

func newPartition(l *link, set settings, number int) *partition {
	return &partition{
		link: l, number: number, stream: streamName(set.name, number), prefix: set.name + "." + strconv.Itoa(number) + ".",
		replicas: set.replicas, doubted: true,
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
	p.doubted = true
}

// trust returns nil where the leader knows what it must, and looks if that is in doubt.
func (p *partition) trust(ctx context.Context) error {
	generation := p.link.generation()
	p.mu.Lock()
	sure, behind, just := !p.doubted && p.looked == generation, p.behind, time.Since(p.lookedAt) < lookAgain
	p.mu.Unlock()
	switch {
	case behind != nil && just:
		return behind
	case behind == nil && sure:
		return nil
	}
	return p.verify(ctx)
}

// lookAgain is how long a leader that is behind is not asked again.
const lookAgain = 300 * time.Millisecond

// verify compares what the leader has with what it must have. It looks again at a
// leader that was behind: the one that knows all may have come back.
func (p *partition) verify(ctx context.Context) error {
	generation, high := p.link.generation(), p.known()
	state, err := p.info(ctx)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.behind = nil
	if state.State.LastSeq < high {
		p.behind, p.lookedAt = p.refusal(state.State.LastSeq, high), time.Now()
		return p.behind
	}
	p.high = max(p.high, state.State.LastSeq)
	p.doubted, p.looked = false, generation
	return nil
}

// wentBack says that the leader acknowledged a sequence that the partition had before.
func (p *partition) wentBack(seq uint64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.behind, p.lookedAt = p.refusal(seq, p.high), time.Now()
	return p.behind
}

// catchUp bounds the wait for a leader that has not read all of its own log yet.
const catchUp = 3 * time.Second

// fresh calls look until what the leader says is no older than what this process has
// seen, which look tells. A server that has just become the leader answers before it has
// read all of its own log. Where that does not end, the log has lost something: what is
// left of it is read all the same.
func (p *partition) fresh(ctx context.Context, look func() (fresh bool, err error)) error {
	for late := time.Now().Add(catchUp); ; {
		fresh, err := look()
		if err != nil || fresh || time.Now().After(late) {
			return err
		}
		p.doubt()
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

func (p *partition) refusal(has, had uint64) error {
	return core.Unavailable(nil, time.Minute, fmt.Sprintf(
		"partition %d of the event store ends at sequence %d, and it had come to %d: JetStream has lost the end of it. Nothing is written to it; see adapters/jetstream/README.md",
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

// info asks the leader about the partition.
func (p *partition) info(ctx context.Context) (info, error) {
	var state info
	err := p.again(ctx, func() error { return p.api(ctx, "STREAM.INFO", nil, &state) })
	if code(err) == codeStreamNotFound {
		return state, p.missing()
	}
	return state, err
}

func (p *partition) missing() error {
	return core.Unavailable(nil, time.Minute, fmt.Sprintf(
		"JetStream has no stream %s. If this store is new, 'eventflow init' makes it. If it held events, it is lost: see adapters/jetstream/README.md", p.stream))
}

// examine refuses a JetStream stream that does not keep what a log must keep.
func (p *partition) examine(ctx context.Context) error {
	state, err := p.info(ctx)
	if err != nil {
		return err
	}
	if differs := state.Config.differs(p.config()); differs != "" {
		return fmt.Errorf("the JetStream stream %s was not made by 'eventflow init', or was changed: %s", p.stream, differs)
	}
	return nil
}
