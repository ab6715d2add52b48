package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// What the servers must be, and be set to.
const (
	leastPayload = 2 << 20
	leastBatch   = 20_000
)

// leastVersion is the oldest server that this adapter was tried with.
var leastVersion = [3]int{2, 15, 2}

// most lag that a replica may have, in messages, before it counts as behind.
const mostLag = 10_000

// Check implements [core.Storage]. It asks the leader of every partition, and every
// server's monitoring address whether it flushes what it acknowledges. Partitions that do
// not answer, or have lost something, hurt their own streams alone: as long as there are
// others, the store is degraded.
func (s *Storage) Check(ctx context.Context) error {
	leave, err := s.calls.enter()
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	wrong := make([]error, len(s.partitions))
	_ = each(s.partitions, func(p *partition) error {
		if wrong[p.number] = p.verify(ctx); wrong[p.number] == nil {
			wrong[p.number] = p.checkReplicas(ctx)
		}
		return nil
	})
	if err := s.none(wrong); err != nil {
		return err
	}
	full, err := s.checkServers(ctx)
	if err != nil {
		return err
	}
	return degraded(slices.Concat(wrong, []error{full, s.holes.wrong()}))
}

// checkTimeout is less than what a probe waits for.
const checkTimeout = 2500 * time.Millisecond

// none says what is wrong where no partition can be used.
func (s *Storage) none(wrong []error) error {
	for _, err := range wrong {
		if err == nil || errors.Is(err, core.ErrDegraded) {
			return nil
		}
	}
	return wrong[0]
}

func degraded(wrong []error) error {
	var texts []string
	for _, err := range wrong {
		if refused, ok := errors.AsType[*core.Error](err); ok {
			texts = append(texts, refused.Message)
		} else if err != nil {
			texts = append(texts, err.Error())
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return &fewer{strings.Join(texts, "; ")}
}

// Under load a replica is a few messages behind at nearly every moment. So one that is not
// far behind is looked at so often, with so long a pause, before it counts as behind.
const (
	replicaLooks = 5
	replicaPause = 200 * time.Millisecond
)

// checkReplicas says which replicas are missing or behind. What is acknowledged is still
// on a majority of the disks; it would not survive as many losses as it should.
func (p *partition) checkReplicas(ctx context.Context) error {
	current := map[string]bool{}
	for look := 1; ; look++ {
		state, err := p.info(ctx, nil)
		if err != nil || p.replicas == 1 {
			return err
		}
		there, near, wrong := state.replicas(current)
		if there >= p.replicas {
			return nil
		}
		if !near || look == replicaLooks || pause(ctx, replicaPause) != nil {
			return &fewer{fmt.Sprintf("partition %d has %d of its %d replicas: %s; storing and reading go on", p.number, there, p.replicas, strings.Join(wrong, ", "))}
		}
	}
}

// replicas counts those that have all, now or at an earlier look, which current remembers,
// and says what is wrong with the others. near says that some may be about to have it.
func (i *info) replicas(current map[string]bool) (there int, near bool, wrong []string) {
	there = 1 // the leader
	if i.Cluster == nil {
		return there, false, nil
	}
	for _, one := range i.Cluster.Replicas {
		current[one.Name] = current[one.Name] || one.Current
		switch {
		case one.Offline:
			wrong = append(wrong, one.Name+" is away")
		case !current[one.Name] || one.Lag > mostLag:
			near = near || one.Lag <= mostLag
			wrong = append(wrong, fmt.Sprintf("%s is %d messages behind", one.Name, one.Lag))
		default:
			there++
		}
	}
	return there, near, wrong
}

// fewer says what some streams have to do without.
type fewer struct{ text string }

// Error implements error.
func (e *fewer) Error() string { return e.text }

// Unwrap makes it a [core.ErrDegraded], whose own text is about less.
func (e *fewer) Unwrap() error { return core.ErrDegraded }

// varz is what a server's monitoring address tells.
type varz struct {
	Name       string `json:"server_name"`
	Version    string `json:"version"`
	MaxPayload int    `json:"max_payload"`
	JetStream  struct {
		Config *struct {
			SyncAlways bool  `json:"sync_always"`
			MaxStorage int64 `json:"max_storage"`
		} `json:"config"`
		Stats *struct {
			Storage int64 `json:"storage"`
		} `json:"stats"`
		Limits *struct {
			MaxBatchSize int `json:"max_batch_size"`
		} `json:"limits"`
	} `json:"jetstream"`
}

// wrong says what a server's settings would cost.
func (v *varz) wrong() (reasons []string) {
	if v.JetStream.Config == nil {
		return []string{"does not run JetStream"}
	}
	if !v.JetStream.Config.SyncAlways {
		reasons = append(reasons, "acknowledges before it flushes: set jetstream.sync_interval to always")
	}
	if older(v.Version) {
		reasons = append(reasons, fmt.Sprintf("has version %s, and %d.%d.%d is the oldest that this adapter was tried with", v.Version, leastVersion[0], leastVersion[1], leastVersion[2]))
	}
	if v.MaxPayload < leastPayload {
		reasons = append(reasons, fmt.Sprintf("takes messages of %d bytes: set max_payload to 8MB", v.MaxPayload))
	}
	if v.JetStream.Limits == nil || v.JetStream.Limits.MaxBatchSize < leastBatch {
		reasons = append(reasons, fmt.Sprintf("takes small batches only: set jetstream.limits.batch.max_msgs to %d", leastBatch))
	}
	return reasons
}

// mostUsed is how much of what a server may store can be used before it counts as nearly
// full, of 100. Three servers that have come to their bounds have no leader any more, so that
// not even retention makes room.
const mostUsed = 90

// full says that a server has nearly come to its bound, or "".
func (v *varz) full() string {
	bounds, stats := v.JetStream.Config, v.JetStream.Stats
	if bounds == nil || stats == nil || bounds.MaxStorage <= 0 || stats.Storage/mostUsed < bounds.MaxStorage/100 {
		return ""
	}
	return fmt.Sprintf("server %s uses %d of the %d bytes that its max_file allows: raise it in time; where all have come to it nothing is stored or removed any more",
		v.Name, stats.Storage, bounds.MaxStorage)
}

func older(version string) bool {
	numbers := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	for i := range leastVersion {
		if i >= len(numbers) {
			return true
		}
		digits, _, _ := strings.Cut(numbers[i], "-")
		n, err := strconv.Atoi(digits)
		if err != nil || n < leastVersion[i] {
			return true
		}
		if n > leastVersion[i] {
			return false
		}
	}
	return false
}

// checkServers asks the monitoring addresses. A server that does not answer has told
// nothing, and the replicas tell whether it is missing; but one must answer. full says
// which are nearly full.
func (s *Storage) checkServers(ctx context.Context) (full, err error) {
	if len(s.settings.monitors) == 0 {
		return nil, fmt.Errorf("nobody says whether the servers flush what they acknowledge: name their monitoring addresses in the store's URL, like monitor=http://host:8222: %w", core.ErrRelaxedDurability)
	}
	answers := make([]*varz, len(s.settings.monitors))
	at := make([]int, len(answers))
	for i := range at {
		at[i] = i
	}
	_ = each(at, func(i int) error {
		if told, err := ask(ctx, s.settings.monitors[i]+"/varz"); err == nil { // else it is away, which the replicas show
			answers[i] = told
		}
		return nil
	})
	var reasons, crowded []string
	answered := 0
	for _, told := range answers {
		if told == nil {
			continue
		}
		answered++
		for _, reason := range told.wrong() {
			reasons = append(reasons, fmt.Sprintf("server %s %s", told.Name, reason))
		}
		if text := told.full(); text != "" {
			crowded = append(crowded, text)
		}
	}
	switch {
	case len(reasons) > 0:
		return nil, fmt.Errorf("%s: %w", strings.Join(reasons, "; "), core.ErrRelaxedDurability)
	case answered == 0:
		return nil, fmt.Errorf("no monitoring address of the servers answers, so nobody says whether they flush what they acknowledge: %w", core.ErrRelaxedDurability)
	case len(crowded) > 0:
		return &fewer{strings.Join(crowded, "; ")}, nil
	}
	return nil, nil
}

// askTimeout bounds one question to a monitoring address.
const askTimeout = 3 * time.Second

func ask(ctx context.Context, address string) (*varz, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, errors.New(answer.Status)
	}
	var told varz
	return &told, json.NewDecoder(http.MaxBytesReader(nil, answer.Body, 1<<20)).Decode(&told)
}
