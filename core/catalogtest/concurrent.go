package catalogtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// callers is how many do the same thing at once.
const callers = 50

var concurrency = []guarantee{
	{"of many that make an organization all get the same", racingOrganizations},
	{"of many that create one name one does", racingNames},
	{"of many that change one revision one does", racingChanges},
	{"of many that take one name one does", racingRenames},
	{"no change is lost", noLostChange},
	{"a deleted stream is not changed", racingDelete},
	{"different names do not stand in each other's way", differentNames},
	{"pages stay whole while others are created", pagesWhileWriting},
	{"of many that revoke a key one sets the time", racingRevokes},
	{"what was acknowledged is there whoever was cut off", cutOff},
}

// Each race is run twice: here by callers that share one handle, and in shared.go by
// callers of several. A lock in memory passes the first and fails the second.

func racingOrganizations(s *suite) { raceOrganizations(s, []core.Catalog{s.catalog}) }
func racingNames(s *suite)         { raceNames(s, []core.Catalog{s.catalog}) }
func racingChanges(s *suite)       { raceChanges(s, []core.Catalog{s.catalog}) }
func racingRenames(s *suite)       { raceRenames(s, []core.Catalog{s.catalog}) }
func noLostChange(s *suite)        { raceIncrements(s, []core.Catalog{s.catalog}) }
func racingRevokes(s *suite)       { raceRevokes(s, []core.Catalog{s.catalog}) }

// raceOrganizations makes one organization at once. Servers do so at their first
// start.
func raceOrganizations(s *suite, handles []core.Catalog) {
	got := make([]core.Organization, callers)
	for _, err := range race(callers, func(i int) (err error) {
		org := core.Organization{ID: newID(start), Name: "raced", CreatedAt: start.Add(time.Duration(i) * time.Second)}
		got[i], err = handles[i%len(handles)].EnsureOrganization(context.Background(), org)
		return err
	}) {
		s.must(err, "EnsureOrganization")
	}
	for i := range got {
		s.check(got[i] == got[0], "all that make an organization at once must get the same one, got %+v and %+v", got[0], got[i])
	}
	stored := s.ensure(core.Organization{ID: newID(start), Name: "raced", CreatedAt: start})
	s.check(stored == got[0], "all that make an organization must get the one that is stored: %+v, got %+v", stored, got[0])
}

// raceNames creates streams of one name at once. Only a unique index, or a lock, lets
// one of them through.
func raceNames(s *suite, handles []core.Catalog) {
	org := s.organization()
	made := make([]core.Stream, callers)
	for i := range made {
		made[i] = newStream(org, "orders")
	}
	winner := s.won(race(callers, func(i int) error {
		return handles[i%len(handles)].CreateStream(context.Background(), made[i])
	}), core.CodeConflict, "CreateStream")
	s.has(made[winner])
	s.sameStreams(s.list(org, everything), made[winner:winner+1])
}

// raceChanges changes one revision at once. The losers must not have changed anything.
func raceChanges(s *suite, handles []core.Catalog) {
	stream := s.created(s.organization(), "orders")
	made := make([]core.Stream, callers)
	for i := range made {
		made[i] = stream
		made[i].Revision, made[i].Name, made[i].Description = 2, fmt.Sprint("orders ", i), fmt.Sprint("changed by ", i)
	}
	winner := s.won(race(callers, func(i int) error {
		return handles[i%len(handles)].UpdateStream(context.Background(), made[i])
	}), core.CodePreconditionFailed, "UpdateStream")
	s.has(made[winner])
}

// raceRenames gives one name to different streams at once.
func raceRenames(s *suite, handles []core.Catalog) {
	org := s.organization()
	made := s.several(org, numbered(callers)...)
	winner := s.won(race(callers, func(i int) error {
		renamed := made[i]
		renamed.Name, renamed.Revision = "orders", 2
		return handles[i%len(handles)].UpdateStream(context.Background(), renamed)
	}), core.CodeConflict, "UpdateStream to one name")
	made[winner].Name, made[winner].Revision = "orders", 2
	slices.SortFunc(made, byName)
	s.sameStreams(s.list(org, everything), made)
}

// raceIncrements counts in one stream, each caller until its change is made. A change
// that is lost leaves the count short.
func raceIncrements(s *suite, handles []core.Catalog) {
	const times = 10
	stream := s.created(s.organization(), "orders")
	for _, err := range race(times, func(i int) error {
		catalog := handles[i%len(handles)]
		for {
			next, err := catalog.Stream(context.Background(), stream.Org, stream.ID)
			if err != nil {
				return err
			}
			next.Revision++
			next.RetentionDays++
			if err = catalog.UpdateStream(context.Background(), next); core.CodeOf(err) != core.CodePreconditionFailed {
				return err
			}
		}
	}) {
		s.must(err, "a change by what was read just before")
	}
	stream.Revision += times
	stream.RetentionDays += times
	s.has(stream)
}

// raceRevokes revokes one key at once, each at another time. All succeed and one of
// the times stays: the key was revoked once.
func raceRevokes(s *suite, handles []core.Catalog) {
	key := s.createdKey(newKey(s.organization(), "web shop"))
	for _, err := range race(callers, func(i int) error {
		return handles[i%len(handles)].RevokeKey(context.Background(), key.Org, key.ID, start.Add(time.Duration(i)*time.Second))
	}) {
		s.must(err, "RevokeKey")
	}
	stored := s.keys(key.Org)[0]
	s.check(stored.RevokedAt != nil, "a revoked key must have RevokedAt")
	s.revoke(key, start.Add(time.Hour))
	s.hasKey(stored)
}

// racingDelete deletes a stream while others change it. Whoever comes after that
// finds nothing, and nothing brings the stream back.
func racingDelete(s *suite) {
	stream := s.created(s.organization(), "orders")
	var deleted atomic.Bool
	for _, err := range race(10, func(i int) error {
		for revision := int64(2); ; {
			over := deleted.Load() // before the call: a change that begins after the deletion must fail
			changed := stream
			changed.Revision = revision
			if i == 0 && revision > 10 {
				changed.DeletedAt = &start
			}
			switch err := s.catalog.UpdateStream(context.Background(), changed); {
			case err == nil && over:
				return fmt.Errorf("a deleted stream was changed, to revision %d", revision)
			case err == nil && changed.DeletedAt != nil:
				deleted.Store(true)
				return nil
			case core.CodeOf(err) == core.CodeNotFound && i > 0:
				return nil
			case err != nil && core.CodeOf(err) != core.CodePreconditionFailed:
				return err
			}
			current, err := s.catalog.Stream(context.Background(), stream.Org, stream.ID)
			if err != nil && core.CodeOf(err) != core.CodeNotFound {
				return err
			}
			revision = max(revision, current.Revision+1)
		}
	}) {
		s.must(err, "UpdateStream of a stream that is deleted meanwhile")
	}
	s.gone(stream.Org, stream.ID)
	s.check(s.all(everything)[0].DeletedAt != nil, "a deleted stream must stay deleted")
}

func differentNames(s *suite) {
	orgs := []core.ID{s.organization(), s.organization()}
	made := make([]core.Stream, callers)
	for i := range made {
		made[i] = newStream(orgs[i%2], fmt.Sprint("stream ", i/2))
	}
	for _, err := range race(callers, func(i int) error { return s.catalog.CreateStream(context.Background(), made[i]) }) {
		s.must(err, "CreateStream")
	}
	for _, stream := range made {
		s.has(stream)
	}
}

// pagesWhileWriting reads a list page by page while streams come and go between
// others that stay. The ones that stay must be in every list. Pages that count rows
// instead of continuing after a name skip some of them.
func pagesWhileWriting(s *suite) {
	org := s.organization()
	stays := s.several(org, numbered(10)...)
	done := make(chan error, 1)
	go func() {
		for i := range 60 {
			stream := newStream(org, fmt.Sprint("stream ", i%10, "+")) // after each that stays
			if err := s.catalog.CreateStream(context.Background(), stream); err != nil {
				done <- err
				return
			}
			stream.Revision, stream.DeletedAt = 2, &start
			if err := s.catalog.UpdateStream(context.Background(), stream); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for {
		listed := s.list(org, 3)
		s.check(slices.IsSortedFunc(listed, byName), "pages must be in order, got %q", names(listed))
		s.sameStreams(slices.DeleteFunc(listed, func(stream core.Stream) bool { return stream.Name[len(stream.Name)-1] == '+' }), stays)
		select {
		case err := <-done:
			s.must(err, "creating and deleting while others read")
			s.sameStreams(s.list(org, 3), stays)
			return
		default:
		}
	}
}

// cutOff ends the contexts of half the callers while they run. It does so several
// times, each on a new catalog, so that the calls which are cut off are among the
// first that the catalog gets.
func cutOff(s *suite) {
	for range 4 {
		(&suite{T: s.T, catalog: s.again(), open: s.open}).cutOff()
	}
}

func (s *suite) cutOff() {
	s.Helper()
	org := s.organization()
	made := make([]core.Stream, callers)
	for i := range made {
		made[i] = newStream(org, fmt.Sprint("stream ", i))
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	running := make(chan struct{})
	run := sync.OnceFunc(func() { close(running) })
	errs := race(callers, func(i int) error {
		if i%2 == 1 {
			run()
			return s.catalog.CreateStream(ctx, made[i])
		}
		<-running
		if i == 0 {
			cancel()
		}
		return s.catalog.CreateStream(context.Background(), made[i])
	})
	for i, err := range errs {
		if i%2 == 0 {
			s.must(err, "CreateStream beside calls that are cut off")
		}
		if err == nil {
			s.has(made[i])
		}
	}
	for _, stream := range s.list(org, everything) { // whatever came of the others, it is whole
		s.has(made[slices.IndexFunc(made, func(m core.Stream) bool { return m.ID == stream.ID })])
	}
	s.has(s.created(org, "after all"))
}
