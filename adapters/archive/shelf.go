package archive

import (
	"context"
	"sync"

	"github.com/eventflow-go/eventflow/core"
)

// shelfBytes bounds the objects that are kept unpacked, but for one, which may be larger.
const shelfBytes = 96 << 20

// shelf keeps the objects that were read last, unpacked, so that readers of successive
// pages, and several groups at about one place, unpack each of them once.
type shelf struct {
	state   *state
	fetched func(bytes int, err error)

	// mu guards all that follows. It is not held while an object is fetched.
	mu sync.Mutex
	// kept are the objects, the last used one at the end.
	kept []*opened
	size int
	// fetches are under way. Whoever wants the same object waits for it.
	fetches map[string]*fetch
}

// fetch is an object on its way. object and err are set before done is closed.
type fetch struct {
	done   chan struct{}
	object *opened
	err    error
}

func newShelf(state *state, fetched func(int, error)) *shelf {
	if fetched == nil {
		fetched = func(int, error) {}
	}
	return &shelf{state: state, fetched: fetched, fetches: map[string]*fetch{}}
}

// get returns the object of a segment.
func (s *shelf) get(ctx context.Context, segment core.Segment) (*opened, error) {
	s.mu.Lock()
	if object := s.use(segment); object != nil {
		s.mu.Unlock()
		return object, nil
	}
	under, is := s.fetches[segment.Object]
	if !is {
		under = &fetch{done: make(chan struct{})}
		s.fetches[segment.Object] = under
		// The one who asks may leave, and others wait for the same.
		go s.fetch(context.WithoutCancel(ctx), segment, under)
	}
	s.mu.Unlock()
	select {
	case <-under.done:
		if under.err != nil {
			return nil, unread(segment, under.err)
		}
		return under.object, nil
	case <-ctx.Done():
		return nil, unread(segment, ctx.Err())
	}
}

// use returns an object that is there, and counts it as the last used one.
func (s *shelf) use(segment core.Segment) *opened {
	for i, object := range s.kept {
		if object.segment.Object == segment.Object && object.segment.SHA256 == segment.SHA256 {
			s.kept = append(append(s.kept[:i:i], s.kept[i+1:]...), object)
			return object
		}
	}
	return nil
}

func (s *shelf) fetch(ctx context.Context, segment core.Segment, under *fetch) {
	var content []byte
	under.err = s.state.call(ctx, getTimeout, func(ctx context.Context) (err error) {
		content, err = s.state.bucket.Get(ctx, segment.Object)
		return err
	})
	if under.err == nil {
		under.object, under.err = open(segment, content)
	}
	s.fetched(len(content), under.err)
	s.mu.Lock()
	delete(s.fetches, segment.Object)
	if under.err == nil {
		s.put(under.object)
	}
	s.mu.Unlock()
	close(under.done)
}

func (s *shelf) put(object *opened) {
	s.kept, s.size = append(s.kept, object), s.size+len(object.lines)
	for len(s.kept) > 1 && s.size > shelfBytes {
		s.size -= len(s.kept[0].lines)
		s.kept = s.kept[1:]
	}
}
