package catalogtest

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var ending = []guarantee{
	{"a new catalog answers", answers},
	{"a call whose context has ended fails without effect", cancelled},
	{"a call whose time is up fails without effect", timedOut},
	{"calls after Close fail and do not panic", closed},
	{"whoever tells of connections has none in use when nobody calls", givesConnectionsBack},
	{"whoever tells of a disk knows its room", knowsItsDisk},
}

func answers(s *suite) {
	s.must(s.catalog.Check(context.Background()), "Check")
	s.created(s.organization(), "orders")
	s.must(s.catalog.Check(context.Background()), "Check")
}

// things are what the calls below are about: one of each kind.
type things struct {
	stream core.Stream
	key    core.APIKey
	// processor has a delivery.
	processor core.Processor
	delivery  core.DeliveryAttempt
	// stays signs in, goes is deleted.
	stays, goes guest
	// source changes, left is deleted.
	source, left core.Source
}

// guest is a user with a session and a ticket.
type guest struct {
	user    core.User
	session core.Session
	ticket  core.Ticket
}

func (s *suite) guest(org core.ID) guest {
	s.Helper()
	user := s.createdUser(org, newID(start).String()+"@example.com")
	return guest{user, s.createdSession(user), s.createdTicket(core.TicketReset, user)}
}

func (s *suite) things() things {
	s.Helper()
	org := s.organization()
	stream := s.created(org, "orders")
	processor := s.createdProcessor(stream, "mail")
	delivery := newDelivery(processor, start)
	s.noted(processor, delivery)
	return things{
		stream, s.createdKey(newKey(org, "web shop")), processor, delivery, s.guest(org), s.guest(org),
		s.createdSource(stream, "shop"), s.createdSource(stream, "bank"),
	}
}

// unchanged checks that everything is as it was made, and nothing is there
// beside it.
func (s *suite) unchanged(th things) {
	s.Helper()
	org := th.stream.Org
	s.has(th.stream)
	s.hasKey(th.key)
	s.listsProcessors(core.ProcessorScan{Org: org}, th.processor)
	s.listsDeliveries(th.processor, core.DeliveryScan{}, th.delivery)
	s.counted(start, []core.ID{th.processor.ID}, core.DeliveryCount{})
	s.nameless(org, "late")
	s.sameStreams(s.list(org, everything), []core.Stream{th.stream})
	s.sameKeys(s.keys(org), []core.APIKey{th.key})
	guests := []core.User{th.stays.user, th.goes.user}
	slices.SortFunc(guests, byAddress)
	s.sameUsers(s.listUsers(org, everything), guests)
	s.hasSource(th.source)
	s.hasSource(th.left)
	s.refusalsOf(th.source.ID)
	s.hasSession(th.stays.session)
	s.hasSession(th.goes.session)
}

// calls are the methods that the suite is about, with arguments that would succeed.
func (s *suite) calls(ctx context.Context, th things) map[string]func() error {
	calls := s.calledPeople(ctx, th)
	maps.Copy(calls, s.calledThings(ctx, th.stream, th.key))
	maps.Copy(calls, s.calledSources(ctx, th))
	maps.Copy(calls, s.calledProcessors(ctx, th))
	return calls
}

func (s *suite) calledProcessors(ctx context.Context, th things) map[string]func() error {
	p, c := th.processor, s.catalog
	late := core.DeliveryNote{
		Processor: p.ID, At: start, Count: core.DeliveryCount{Failed: 1}, FailedAt: new(start), Attempts: []core.DeliveryAttempt{newDelivery(p, start)},
	}
	return map[string]func() error{
		"CreateProcessor":   func() error { return c.CreateProcessor(ctx, newProcessor(th.stream, "late"), first) },
		"Processor":         func() error { _, err := c.Processor(ctx, p.Org, p.ID); return err },
		"Processors":        func() error { _, err := c.Processors(ctx, core.ProcessorScan{Limit: 1}); return err },
		"UpdateProcessor":   func() error { return c.UpdateProcessor(ctx, another(p)) },
		"RunningProcessors": func() error { _, err := c.RunningProcessors(ctx, core.ID{}, 1); return err },
		"NoteDelivery":      func() error { return c.NoteDelivery(ctx, late) },
		"DeliveryCounts":    func() error { _, err := c.DeliveryCounts(ctx, []core.ID{p.ID}, start); return err },
		"Deliveries":        func() error { _, err := c.Deliveries(ctx, p.Org, p.ID, core.DeliveryScan{Limit: 1}); return err },
		"Delivery":          func() error { _, err := c.Delivery(ctx, p.Org, th.delivery.ID); return err },
		"ForgetDeliveries":  func() error { return c.ForgetDeliveries(ctx, start.Add(time.Hour)) },
	}
}

func (s *suite) calledPeople(ctx context.Context, th things) map[string]func() error {
	changed := th.stays.user
	changed.Revision, changed.Name = 2, "changed"
	session, c := th.stays.session.ID, s.catalog
	return map[string]func() error{
		"CreateUser":   func() error { return c.CreateUser(ctx, newUser(changed.Org, newID(start).String())) },
		"User":         func() error { _, err := c.User(ctx, changed.Org, changed.ID); return err },
		"UsersByEmail": func() error { _, err := c.UsersByEmail(ctx, changed.Email); return err },
		"Users":        func() error { _, err := c.Users(ctx, changed.Org, "", 1); return err },
		"UpdateUser":   func() error { return c.UpdateUser(ctx, changed) },
		"DeleteUser":   func() error { return c.DeleteUser(ctx, changed.Org, th.goes.user.ID) },
		"SetPassword":  func() error { return c.SetPassword(ctx, th.goes.user.Email, "", "another", start) },
		"SignOutUser":  func() error { return c.SignOutUser(ctx, changed.Org, th.goes.user.ID, start) },
		"MoveSession": func() error {
			return c.MoveSession(ctx, th.goes.session.ID, 1, changed.Org, changed.ID, start.Add(time.Hour))
		},
		"TouchUser":      func() error { return c.TouchUser(ctx, changed.Org, changed.ID, start.Add(time.Hour)) },
		"CreateSession":  func() error { return c.CreateSession(ctx, newSession(changed)) },
		"Session":        func() error { _, err := c.Session(ctx, session); return err },
		"RotateSession":  func() error { return c.RotateSession(ctx, session, 1, start.Add(time.Hour)) },
		"RevokeSession":  func() error { return c.RevokeSession(ctx, th.goes.session.ID, start) },
		"RevokeSessions": func() error { return c.RevokeSessions(ctx, th.goes.user.ID, core.ID{}, start) },
		"ForgetSessions": func() error { return c.ForgetSessions(ctx, start.Add(time.Hour)) },
		"CreateTicket":   func() error { return c.CreateTicket(ctx, newTicket(core.TicketInvite, changed)) },
		"VoidTickets":    func() error { return c.VoidTickets(ctx, core.TicketReset, th.goes.user.ID) },
		"ReturnTicket":   func() error { return c.ReturnTicket(ctx, th.stays.ticket.ID) },
		"UseTicket":      func() error { _, err := c.UseTicket(ctx, core.TicketReset, th.stays.ticket.Hash, start); return err },
	}
}

func (s *suite) calledThings(ctx context.Context, stream core.Stream, key core.APIKey) map[string]func() error {
	changed := stream
	changed.Revision, changed.Name = 2, "changed"
	c := s.catalog
	return map[string]func() error{
		"Check": func() error { return c.Check(ctx) },
		"EnsureOrganization": func() error {
			_, err := c.EnsureOrganization(ctx, core.Organization{ID: newID(start), Name: "late", CreatedAt: start})
			return err
		},
		"CreateOrganization": func() error {
			return c.CreateOrganization(ctx, core.Organization{ID: newID(start), Name: "later", CreatedAt: start})
		},
		"OrganizationsNamed": func() error { _, err := c.OrganizationsNamed(ctx, "late"); return err },
		"Organization":       func() error { _, err := c.Organization(ctx, stream.Org); return err },
		"OldestOrganization": func() error { _, err := c.OldestOrganization(ctx); return err },
		"Organizations":      func() error { _, err := c.Organizations(ctx, core.ID{}, 1); return err },
		"UpdateOrganization": func() error {
			return c.UpdateOrganization(ctx, core.Organization{ID: stream.Org, Name: "renamed", CreatedAt: start})
		},
		"LimitOrganization": func() error {
			return c.LimitOrganization(ctx, core.Organization{ID: stream.Org, KeyRate: core.Rate{PerMinute: 1}})
		},
		"Held":         func() error { _, err := c.Held(ctx, stream.Org); return err },
		"CreateStream": func() error { return c.CreateStream(ctx, newStream(stream.Org, "late")) },
		"Stream":       func() error { _, err := c.Stream(ctx, stream.Org, stream.ID); return err },
		"StreamNamed":  func() error { _, err := c.StreamNamed(ctx, stream.Org, stream.Name); return err },
		"Streams":      func() error { _, err := c.Streams(ctx, stream.Org, "", 1); return err },
		"AllStreams":   func() error { _, err := c.AllStreams(ctx, core.ID{}, 1); return err },
		"UpdateStream": func() error { return c.UpdateStream(ctx, changed) },
		"RegisterSchema": func() error {
			next := stream
			next.Revision = 2
			return c.RegisterSchema(ctx, next, newSchema(stream, newID(start).String(), 1))
		},
		"Schemas":      func() error { _, err := c.Schemas(ctx, stream.ID); return err },
		"NoteReported": func() error { return c.NoteReported(ctx, map[core.ID]int64{newID(start): 1}) },
		"Quarantine":   func() error { return c.Quarantine(ctx, []core.Quarantined{newQuarantined(stream, "a", "")}) },
		"Quarantined": func() error {
			_, err := c.Quarantined(ctx, stream.Org, stream.ID, core.QuarantineScan{Limit: 1})
			return err
		},
		"QuarantinedEvent": func() error {
			_, err := c.QuarantinedEvent(ctx, stream.Org, stream.ID, newID(start))
			return missed(ctx, err)
		},
		"Release":           func() error { return missed(ctx, c.Release(ctx, stream.Org, stream.ID, newID(start))) },
		"ForgetQuarantined": func() error { return c.ForgetQuarantined(ctx, start) },
		"CreateKey":         func() error { return c.CreateKey(ctx, newKey(stream.Org, "late")) },
		"KeyByHash":         func() error { _, err := c.KeyByHash(ctx, key.Hash); return err },
		"Key":               func() error { _, err := c.Key(ctx, key.Org, key.ID); return err },
		"Keys":              func() error { _, err := c.Keys(ctx, key.Org, core.KeyScan{}); return err },
		"RotateKey":         func() error { return c.RotateKey(ctx, rotated(key)) },
		"RevokeKey":         func() error { return c.RevokeKey(ctx, key.Org, key.ID, start) },
		"HandOverKey":       func() error { return c.HandOverKey(ctx, key.Org, key.ID, newID(start)) },
		"TouchKeys":         func() error { return c.TouchKeys(ctx, map[core.ID]time.Time{key.ID: start}) },
	}
}

func (s *suite) calledSources(ctx context.Context, th things) map[string]func() error {
	changed, c := th.source, s.catalog
	changed.Revision, changed.Name = 2, "changed"
	return map[string]func() error{
		"CreateSource": func() error { return c.CreateSource(ctx, newSource(th.stream, "late")) },
		"Source":       func() error { _, err := c.Source(ctx, changed.Org, changed.ID); return err },
		"SourceByHash": func() error { _, err := c.SourceByHash(ctx, changed.Hash); return err },
		"Sources":      func() error { _, err := c.Sources(ctx, changed.Org, core.ID{}, 1); return err },
		"UpdateSource": func() error { return c.UpdateSource(ctx, changed) },
		"DeleteSource": func() error { return c.DeleteSource(ctx, th.left.Org, th.left.ID) },
		"AddRefusal":   func() error { return c.AddRefusal(ctx, newRefusal(changed.ID, 1)) },
		"Refusals":     func() error { _, err := c.Refusals(ctx, changed.ID); return err },
	}
}

// fails makes every call with a context that has ended, and then with one that
// has not.
func (s *suite) fails(ctx context.Context, why string) {
	th := s.things()
	for range 2 {
		for call, do := range s.calls(ctx, th) {
			s.failed(do(), call, why)
		}
		s.unchanged(th)
		got, err := s.catalog.Organization(context.Background(), th.stream.Org)
		s.must(err, "Organization")
		s.check(got.Name != "renamed", "UpdateOrganization must have no effect when it fails")
		s.check(got.KeyRate == core.Rate{}, "LimitOrganization must have no effect when it fails")
	}
	late := core.Organization{ID: newID(start), Name: "late", CreatedAt: start}
	s.check(s.ensure(late) == late, "EnsureOrganization must have no effect when it fails")
	spoilt := []string{"RegisterSchema", "UpdateStream", "StreamNamed", "RotateKey", "SetPassword", "MoveSession", "Delivery"} // by calls before: what it is about may have been renamed, revoked, deleted, forgotten
	for call, do := range s.calls(context.Background(), th) {
		if !slices.Contains(spoilt, call) {
			s.must(do(), call+" after calls that failed")
		}
	}
}

// failed checks that a call failed, and that its error claims nothing about the
// thing. A call that was cut off cannot know whether the thing exists, is taken or
// was changed, and a client would act on the answer.
func (s *suite) failed(err error, call, why string) {
	s.Helper()
	s.check(err != nil, "%s must fail %s", call, why)
	switch code := core.CodeOf(err); code {
	case core.CodeNotFound, core.CodeConflict, core.CodePreconditionFailed:
		s.Fatalf("%s must not answer %s %s: it cannot know, got %v", call, code, why, err)
	}
}

// patience bounds the wait for connections, which may be given back behind the answer.
const patience = 10 * time.Second

func givesConnectionsBack(s *suite) {
	pooled, tells := s.catalog.(core.Pooled)
	if !tells {
		return
	}
	th := s.things()
	var calls sync.WaitGroup
	for range 8 {
		calls.Go(func() {
			if _, err := s.catalog.Streams(context.Background(), th.stream.Org, "", 1); err != nil {
				s.Errorf("Streams: %v", err)
			}
		})
	}
	calls.Wait()
	pool := pooled.Pool()
	for late := time.Now().Add(patience); pool.InUse > 0 && time.Now().Before(late); pool = pooled.Pool() {
		runtime.Gosched()
	}
	s.check(pool.InUse == 0, "no connection must be in use when nobody calls, got %+v", pool)
	s.check(pool.Idle > 0 && (pool.Limit == 0 || pool.Idle <= pool.Limit), "those that were used must be idle, and no more than there may be, got %+v", pool)
	s.check(pool.Waits >= 0 && pool.Waited >= 0, "nobody can have waited less than not at all, got %+v", pool)
}

func knowsItsDisk(s *suite) {
	housed, tells := s.catalog.(core.Housed)
	if !tells {
		return
	}
	disk, err := housed.Disk()
	s.must(err, "Disk")
	s.check(disk.Free >= 0 && disk.Free <= disk.Size, "a disk must have no more room than its size, got %+v", disk)
}

func cancelled(s *suite) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.fails(ctx, "when its context was cancelled")
}

func timedOut(s *suite) {
	ctx, cancel := context.WithDeadline(context.Background(), start.Add(-time.Hour))
	defer cancel()
	s.fails(ctx, "when its context's deadline has passed")
}

func closed(s *suite) {
	th := s.things()
	s.must(s.catalog.Close(), "Close")
	for call, do := range s.calls(context.Background(), th) {
		s.failed(do(), call, "after Close")
	}
	_ = s.catalog.Close() // a second Close may fail, but must not panic
}

// missed takes the answer that a thing is not there for a success, where a call can know.
func missed(ctx context.Context, err error) error {
	if ctx.Err() == nil && core.IsNotFound(err) {
		return nil
	}
	return err
}
