package server

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// pool is something that there is a bounded amount of, and that organizations share.
//
// Nobody's part is fixed. An organization may hold as much as it leaves free, and one
// of its keys half as much. One organization alone gets a half, two get a third each,
// and whoever comes next always finds some.
type pool struct {
	share core.Share
	limit int64
	// least is what an organization and a key may hold in any case while it is free:
	// the most that one request takes.
	least int64
	// busy is told to whoever comes when nothing is left, and retry when to come again.
	busy  string
	retry time.Duration
	// taken is what all hold together. What is too small to hurt is counted here alone,
	// because the lock would cost every event something.
	taken atomic.Int64
	// refused counts how often somebody got none.
	refused atomic.Int64
	// mu guards both maps. Who holds nothing is in neither, so they are as small as the
	// number of requests in flight.
	mu   sync.Mutex
	orgs map[core.ID]int64
	keys map[core.ID]int64
}

func newPool(share core.Share, limit, least int64, busy string, retry time.Duration) *pool {
	return &pool{
		share: share, limit: limit, least: least, busy: busy, retry: retry,
		orgs: map[core.ID]int64{}, keys: map[core.ID]int64{},
	}
}

// takeSmall takes some without asking whose it is.
func (p *pool) takeSmall(n int64) error {
	if p.taken.Add(n) > p.limit {
		p.taken.Add(-n)
		p.refused.Add(1)
		return p.exhausted()
	}
	return nil
}

func (p *pool) giveSmall(n int64) { p.taken.Add(-n) }

// take takes some for the organization and the key or person that makes a request. own
// is the organization's bound of its own, or 0.
func (p *pool) take(who core.Principal, n, own int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := p.limit - p.taken.Add(n)
	err := p.check(who, n, left, own)
	if err != nil {
		p.taken.Add(-n)
		p.refused.Add(1)
		return err
	}
	p.orgs[who.Org] += n
	p.keys[who.Creator()] += n
	return nil
}

// check decides whether somebody may have n more when left is what is free then.
func (p *pool) check(who core.Principal, n, left, own int64) error {
	held := p.orgs[who.Org] + n
	switch {
	case left < 0:
		return p.exhausted()
	case held > max(left, p.least), own > 0 && held > own:
		return core.ShareUsed(p.share, "organization", p.retry)
	case p.keys[who.Creator()]+n > max(left/2, p.least):
		return core.ShareUsed(p.share, "key", p.retry)
	}
	return nil
}

func (p *pool) exhausted() error { return core.Unavailable(nil, p.retry, p.busy) }

// give gives back what take has taken.
func (p *pool) give(who core.Principal, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken.Add(-n)
	giveBack(p.orgs, who.Org, n)
	giveBack(p.keys, who.Creator(), n)
}

func giveBack(held map[core.ID]int64, id core.ID, n int64) {
	if held[id] -= n; held[id] == 0 {
		delete(held, id)
	}
}

// held returns what an organization holds, and how much it may hold at the moment.
func (p *pool) held(org core.ID, own int64) (used, allowed int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	used = p.orgs[org]
	others := p.taken.Load() - used
	allowed = max((p.limit-others)/2, min(p.least, p.limit-others))
	if own > 0 {
		allowed = min(allowed, own)
	}
	return used, allowed
}

// Loads returns what the organizations share on this node.
func (s *Server) Loads() (all []core.ShareLoad) {
	for _, p := range []*pool{s.uploads, s.lasting} {
		all = append(all, core.ShareLoad{Share: p.share, Limit: p.limit, Taken: p.taken.Load(), Refused: p.refused.Load()})
	}
	return append(all, s.Streams.Evaluations.Load())
}

// stay takes a connection for a request that lasts. leave gives it back; calling it again
// does nothing.
func (s *Server) stay(c *call) (leave func(), err error) {
	who := c.who
	allowed, err := s.Shares.Allowed(c.context(), who.Org)
	if err != nil {
		return nil, err
	}
	if err := s.lasting.take(who, 1, allowed.Lasting); err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() { s.lasting.give(who, 1) }), nil
}
