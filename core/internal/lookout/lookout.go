// Package lookout looks at something on behalf of all who wait for it to change.
package lookout

import (
	"context"
	"sync"
	"time"
)

// Lookout makes one look in each interval for all who wait for the same thing. Ten
// thousand who wait with one credential cost as much as one: they sleep until a look
// has news for them. It may be used by any number of goroutines.
type Lookout[K comparable] struct {
	interval time.Duration

	// mu guards posts, and of each post its watches. It is never held during a look.
	mu    sync.Mutex
	posts map[K]*post[K]
}

// New returns a lookout that looks once in each interval, the first time after one.
func New[K comparable](interval time.Duration) *Lookout[K] {
	return &Lookout[K]{interval: interval, posts: map[K]*post[K]{}}
}

// Look looks, and reports whether there is news for those who wait. Looks at one thing
// come one after the other. ctx has no values and no deadline; it ends when nobody waits
// any more.
type Look func(ctx context.Context) (news bool)

// post is one thing that somebody waits for.
type post[K comparable] struct {
	lookout *Lookout[K]
	key     K
	look    Look
	// watches is how many Watches have not left. It is guarded by Lookout.mu, because
	// the last one takes the post off the map.
	watches int
	ctx     context.Context
	stop    context.CancelFunc

	// mu guards what follows.
	mu sync.Mutex
	// next is the timer of the next look. It is set anew after each look, so that a
	// slow one is not overtaken, and holds nobody else's up.
	next *time.Timer
	// news is closed, and replaced, whenever a look had news.
	news chan struct{}
}

// Watch is the part of one who waits, until it leaves.
type Watch[K comparable] struct{ *post[K] }

// Join begins to wait for what key stands for. Where somebody waits for it already,
// their look counts for both; otherwise look is called from now on, by goroutines of
// its own. The watch must leave, once.
func (l *Lookout[K]) Join(key K, look Look) Watch[K] {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.posts[key]
	if p == nil {
		ctx, stop := context.WithCancel(context.Background()) //nolint:gosec // end calls stop
		p = &post[K]{lookout: l, key: key, look: look, ctx: ctx, stop: stop, news: make(chan struct{})}
		p.start()
		l.posts[key] = p
	}
	p.watches++
	return Watch[K]{p}
}

// start sets the time of the first look.
func (p *post[K]) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = time.AfterFunc(p.lookout.interval, p.turn)
}

// News returns a channel that is closed when a look after this call has news.
func (w Watch[K]) News() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.news
}

// Tell has those who wait for what key stands for hear of news at once. It is for who
// knows before the next look.
func (l *Lookout[K]) Tell(key K) {
	l.mu.Lock()
	p := l.posts[key]
	l.mu.Unlock()
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.news)
	p.news = make(chan struct{})
}

// Leave ends the waiting. The last one to leave ends the looks.
func (w Watch[K]) Leave() {
	w.lookout.mu.Lock()
	defer w.lookout.mu.Unlock()
	if w.watches--; w.watches == 0 {
		delete(w.lookout.posts, w.key)
		w.end()
	}
}

// end ends the looks. One that is under way sets no other one any more.
func (p *post[K]) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop()
	p.next.Stop()
}

// turn makes one look and sets the time of the next one.
func (p *post[K]) turn() {
	news := p.look(p.ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if news {
		close(p.news)
		p.news = make(chan struct{})
	}
	if p.ctx.Err() == nil {
		p.next.Reset(p.lookout.interval)
	}
}
