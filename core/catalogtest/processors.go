package catalogtest

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var processors = []guarantee{
	{"a processor is found as it was stored", storedProcessor},
	{"a processor is a group", processorGroup},
	{"a processor's name is taken among the groups of its stream", processorNames},
	{"a change needs the revision before it", changedProcessor},
	{"of many changes at once one is made", racingProcessors},
	{"a change leaves what the processor does alone", changeWhileFailing},
	{"processors are listed within a scan", scannedProcessors},
	{"running processors are those of streams that are there", runningProcessors},
	{"another organization's processor is not there", foreignProcessor},
	{"a deleted processor takes everything with it", deletedProcessor},
}

// newProcessor makes up a processor with something in every field. Its destination has
// bytes that only a careful store gives back.
func newProcessor(stream core.Stream, name string) core.Processor {
	return core.Processor{
		Group: core.Group{
			ID: newID(start), Org: stream.Org, Stream: stream.ID, Name: name, Mode: core.Shared, OrderingKey: "payload.customer", Processor: true,
			Visibility: core.Seconds(time.Minute), MaxAttempts: 7, Backoff: core.Backoff{Initial: core.Seconds(time.Millisecond), Max: core.Seconds(time.Hour)},
			Revision: 1, CreatedAt: start, UpdatedAt: start.Add(time.Microsecond),
		},
		Filter: "event.type == '\"<é>\u2028'", Transform: ".payload | {a: \"\\u0000\"}",
		Destination: core.Destination{
			Type: "webhook", Settings: json.RawMessage("{ \"url\" : \"https://example.com/?a=1&b=<2>\",\n\t\"n\":1.0e2, \"z\":\"\\u0000\\u00e9\" }"),
			Secrets: json.RawMessage{1, 0, 255, '"', 0x80, 0},
		},
		State: core.ProcessorRunning, Reason: "because \x00 of \u202e'it'", FailingSince: new(start.Add(time.Second)), CreatedBy: newID(start),
	}
}

// first is the progress at which the groups of these tests begin.
var first = core.Progress{Revision: 1, State: []byte(`{"next":0}`)}

// createdProcessor stores a processor that does not fail.
func (s *suite) createdProcessor(stream core.Stream, name string) core.Processor {
	s.Helper()
	p := newProcessor(stream, name)
	p.FailingSince = nil
	s.must(s.catalog.CreateProcessor(context.Background(), p, first), "CreateProcessor")
	return p
}

func (s *suite) hasProcessor(want core.Processor) {
	s.Helper()
	got, err := s.catalog.Processor(context.Background(), want.Org, want.ID)
	s.must(err, "Processor")
	s.check(reflect.DeepEqual(got, want), "the processor must come back as it was stored, byte for byte:\nwant %+v\ngot  %+v", want, got)
}

func (s *suite) noProcessor(org, id core.ID) {
	s.Helper()
	_, err := s.catalog.Processor(context.Background(), org, id)
	s.refused(err, core.CodeNotFound, "Processor of one that is not there")
}

// listsProcessors checks which processors a scan finds, in the order of their ids.
func (s *suite) listsProcessors(scan core.ProcessorScan, want ...core.Processor) {
	s.Helper()
	if scan.Limit == 0 {
		scan.Limit = everything
	}
	slices.SortFunc(want, func(a, b core.Processor) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	got, err := s.catalog.Processors(context.Background(), scan)
	s.must(err, "Processors")
	s.check(len(got) == len(want), "Processors(%+v) must return %d, got %d", scan, len(want), len(got))
	for i := range want {
		s.check(reflect.DeepEqual(got[i], want[i]), "Processors(%+v) must return at %d\nwant %+v\ngot  %+v", scan, i, want[i], got[i])
	}
}

func storedProcessor(s *suite) {
	stream := s.created(s.organization(), "orders")
	full := newProcessor(stream, "full")
	least := core.Processor{
		Group: core.Group{
			ID: newID(start), Org: stream.Org, Stream: stream.ID, Name: "least", Mode: core.Ordered, Processor: true, Revision: 1, CreatedAt: start, UpdatedAt: start,
		},
		Destination: core.Destination{Type: "log"}, State: core.ProcessorPaused,
	}
	for _, p := range []core.Processor{full, least} {
		given := p
		given.Group.Processor = false // it is one whatever is said
		given.CreatedAt = p.CreatedAt.In(time.FixedZone("", 3600)).Add(999)
		if p.FailingSince != nil {
			given.FailingSince = new(p.FailingSince.Add(999))
		}
		s.must(s.catalog.CreateProcessor(context.Background(), given, first), "CreateProcessor")
	}
	s.hasProcessor(full)
	s.hasProcessor(least)
	s.noProcessor(stream.Org, newID(start))
	again := newProcessor(stream, "again")
	again.ID = full.ID
	s.check(s.catalog.CreateProcessor(context.Background(), again, first) != nil, "CreateProcessor with an id that is taken must fail")
	s.hasProcessor(full)
}

func processorGroup(s *suite) {
	ctx := context.Background()
	stream := s.created(s.organization(), "orders")
	p := s.createdProcessor(stream, "mail")
	plain := p.Group
	plain.ID, plain.Name, plain.Processor = newID(start), "plain", false
	s.must(s.catalog.CreateGroup(ctx, plain, first), "CreateGroup")
	groups, err := s.catalog.Groups(ctx, stream.ID)
	s.must(err, "Groups")
	s.check(reflect.DeepEqual(groups, []core.Group{p.Group, plain}), "a processor's group must be listed as one, got %+v", groups)
	progress, err := s.catalog.Progress(ctx, p.ID)
	s.must(err, "Progress")
	s.check(reflect.DeepEqual(progress, first), "a processor's group must begin at its first progress, is at %+v", progress)

	p.Revision, p.Name = 2, "post"
	s.must(s.catalog.UpdateGroup(ctx, p.Group), "UpdateGroup of a processor's group")
	s.hasProcessor(p)
	s.noProcessor(plain.Org, plain.ID)
	plain.Revision = 2
	s.refused(s.catalog.UpdateProcessor(ctx, core.Processor{Group: plain}), core.CodeNotFound, "UpdateProcessor of a group that is none")
	s.listsProcessors(core.ProcessorScan{Org: stream.Org}, p)
}

func processorNames(s *suite) {
	ctx, org := context.Background(), s.organization()
	stream, other := s.created(org, "orders"), s.created(org, "payments")
	p, q := s.createdProcessor(stream, "mail"), s.createdProcessor(stream, "bill")
	group := p.Group
	group.ID = newID(start)
	s.refused(s.catalog.CreateProcessor(ctx, newProcessor(stream, "mail"), first), core.CodeConflict, "CreateProcessor with the name of another")
	s.refused(s.catalog.CreateGroup(ctx, group, first), core.CodeConflict, "CreateGroup with the name of a processor")
	s.listsProcessors(core.ProcessorScan{Org: org, Streams: []core.ID{stream.ID}}, p, q)
	group.Name = "plain"
	s.must(s.catalog.CreateGroup(ctx, group, first), "CreateGroup")
	s.refused(s.catalog.CreateProcessor(ctx, newProcessor(stream, "plain"), first), core.CodeConflict, "CreateProcessor with the name of a group")
	for _, name := range []string{"bill", "plain"} {
		renamed := p
		renamed.Name, renamed.Filter, renamed.Revision = name, "changed", 2
		s.refused(s.catalog.UpdateProcessor(ctx, renamed), core.CodeConflict, "UpdateProcessor to a name that is taken")
	}
	s.hasProcessor(p)
	s.hasProcessor(s.createdProcessor(other, "mail"))
}

// another makes a processor of another processor's next revision, in all that changes.
func another(p core.Processor) core.Processor {
	p.Name, p.Visibility, p.MaxAttempts, p.Backoff = "post", core.Seconds(time.Hour), 1, core.Backoff{}
	p.Revision, p.UpdatedAt = p.Revision+1, start.Add(time.Hour)
	p.Filter, p.Transform, p.State, p.Reason = "", "", core.ProcessorDisabled, "the address is gone"
	p.Destination = core.Destination{Type: "kafka", Settings: json.RawMessage(`{"topic":"a"}`)}
	return p
}

func changedProcessor(s *suite) {
	ctx := context.Background()
	stream := s.created(s.organization(), "orders")
	p, neighbour := s.createdProcessor(stream, "mail"), s.createdProcessor(stream, "bill")
	want := another(p)
	given := want
	given.Mode, given.OrderingKey, given.CreatedAt, given.Group.Processor = core.Ordered, "", start.Add(time.Hour), false
	given.CreatedBy, given.FailingSince = newID(start), new(start)
	s.must(s.catalog.UpdateProcessor(ctx, given), "UpdateProcessor")
	s.hasProcessor(want)
	s.refused(s.catalog.UpdateProcessor(ctx, given), core.CodePreconditionFailed, "UpdateProcessor to a revision that is there")
	given.Revision, given.Name = 4, neighbour.Name
	s.refused(s.catalog.UpdateProcessor(ctx, given), core.CodePreconditionFailed, "UpdateProcessor that skips a revision, to a taken name")
	given.ID = newID(start)
	s.refused(s.catalog.UpdateProcessor(ctx, given), core.CodeNotFound, "UpdateProcessor of one that is not there")
	s.hasProcessor(want)
	s.hasProcessor(neighbour)
	want.Revision, want.Destination = 3, p.Destination
	s.must(s.catalog.UpdateProcessor(ctx, want), "UpdateProcessor")
	s.hasProcessor(want)
}

func racingProcessors(s *suite) {
	p := s.createdProcessor(s.created(s.organization(), "orders"), "mail")
	made := make([]core.Processor, callers)
	for i := range made {
		made[i] = another(p)
		made[i].MaxAttempts, made[i].Filter = i+1, string(rune('a'+i))
	}
	errs := race(callers, func(i int) error { return s.catalog.UpdateProcessor(context.Background(), made[i]) })
	s.hasProcessor(made[s.won(errs, core.CodePreconditionFailed, "UpdateProcessor")])
}

// A node notes failures while somebody changes the processor: neither undoes what the
// other does, and a note is no change of the processor.
func changeWhileFailing(s *suite) {
	ctx := context.Background()
	p := s.createdProcessor(s.created(s.organization(), "orders"), "mail")
	changed := another(p)
	s.note(core.DeliveryNote{Processor: p.ID, At: start, FailedAt: new(start)})
	s.must(s.catalog.UpdateProcessor(ctx, changed), "UpdateProcessor")
	changed.FailingSince = new(start)
	s.hasProcessor(changed)
	changed.Revision, changed.Name = 3, "again"
	s.must(s.catalog.UpdateGroup(ctx, changed.Group), "UpdateGroup")
	s.hasProcessor(changed)
}

func scannedProcessors(s *suite) {
	one, two := s.organization(), s.organization()
	orders, payments, foreign := s.created(one, "orders"), s.created(one, "payments"), s.created(two, "orders")
	all := []core.Processor{
		s.createdProcessor(orders, "a"), s.createdProcessor(orders, "b"), s.createdProcessor(payments, "a"), s.createdProcessor(foreign, "a"),
	}
	all[1].State, all[1].Revision = core.ProcessorPaused, 2
	s.must(s.catalog.UpdateProcessor(context.Background(), all[1]), "UpdateProcessor")
	slices.SortFunc(all, func(a, b core.Processor) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	of := func(is func(core.Processor) bool) []core.Processor {
		return slices.DeleteFunc(slices.Clone(all), func(p core.Processor) bool { return !is(p) })
	}
	s.listsProcessors(core.ProcessorScan{}, all...)
	s.listsProcessors(core.ProcessorScan{Limit: 2}, all[:2]...)
	s.listsProcessors(core.ProcessorScan{After: all[1].ID}, all[2:]...)
	s.listsProcessors(core.ProcessorScan{After: all[3].ID})
	s.listsProcessors(core.ProcessorScan{Org: one}, of(func(p core.Processor) bool { return p.Org == one })...)
	s.listsProcessors(core.ProcessorScan{Org: newID(start)})
	s.listsProcessors(core.ProcessorScan{Streams: []core.ID{payments.ID, foreign.ID}},
		of(func(p core.Processor) bool { return p.Stream == payments.ID || p.Stream == foreign.ID })...)
	s.listsProcessors(core.ProcessorScan{Org: one, Streams: []core.ID{foreign.ID}})
	s.listsProcessors(core.ProcessorScan{State: core.ProcessorPaused}, of(func(p core.Processor) bool { return p.State == core.ProcessorPaused })...)
	s.listsProcessors(core.ProcessorScan{State: core.ProcessorRunning, Streams: []core.ID{orders.ID}},
		of(func(p core.Processor) bool { return p.State == core.ProcessorRunning && p.Stream == orders.ID })...)
}

func runningProcessors(s *suite) {
	ctx := context.Background()
	stays, goes, foreign := s.created(s.organization(), "orders"), s.created(s.organization(), "payments"), s.created(s.organization(), "orders")
	var want []core.ProcessorMark
	for _, stream := range []core.Stream{stays, goes, foreign} {
		p := newProcessor(stream, "runs")
		s.must(s.catalog.CreateProcessor(ctx, p, first), "CreateProcessor")
		p.Revision = 2
		s.must(s.catalog.UpdateProcessor(ctx, p), "UpdateProcessor")
		if stream.ID != goes.ID {
			want = append(want, core.ProcessorMark{ID: p.ID, Org: p.Org, Stream: p.Stream, Revision: 2, FailingSince: p.FailingSince})
		}
		for _, state := range []core.ProcessorState{core.ProcessorPaused, core.ProcessorDisabled} {
			p = newProcessor(stream, string(state))
			p.State = state
			s.must(s.catalog.CreateProcessor(ctx, p, first), "CreateProcessor")
		}
	}
	slices.SortFunc(want, func(a, b core.ProcessorMark) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	s.remove(goes)
	left, err := s.catalog.Processors(ctx, core.ProcessorScan{Org: goes.Org, Limit: everything})
	s.must(err, "Processors")
	s.check(len(left) == 0, "Processors must leave out those of a deleted stream, got %+v", left)
	for _, page := range []struct {
		after core.ID
		limit int
		want  []core.ProcessorMark
	}{{core.ID{}, everything, want}, {core.ID{}, 1, want[:1]}, {want[0].ID, 2, want[1:]}, {want[1].ID, 2, want[2:]}} {
		got, err := s.catalog.RunningProcessors(ctx, page.after, page.limit)
		s.must(err, "RunningProcessors")
		s.check(len(got) == len(page.want) && (len(got) == 0 || reflect.DeepEqual(got, page.want)),
			"RunningProcessors after %s must be those that run, of streams that are there:\nwant %+v\ngot  %+v", page.after, page.want, got)
	}
}

func foreignProcessor(s *suite) {
	ctx := context.Background()
	stream := s.created(s.organization(), "orders")
	p, other := s.createdProcessor(stream, "mail"), s.created(s.organization(), "orders")
	s.noProcessor(other.Org, p.ID)
	stolen := another(p)
	stolen.Org = other.Org
	s.refused(s.catalog.UpdateProcessor(ctx, stolen), core.CodeNotFound, "UpdateProcessor of another organization's")
	stolen = another(p)
	stolen.Stream = other.ID
	s.refused(s.catalog.UpdateProcessor(ctx, stolen), core.CodeNotFound, "UpdateProcessor of another stream's")
	s.hasProcessor(p)
	s.hasProcessor(s.createdProcessor(other, "mail"))
}

// Nothing of a deleted processor is left, nothing of another goes with it, and a note
// that comes late does not bring it back.
func deletedProcessor(s *suite) {
	ctx := context.Background()
	stream := s.created(s.organization(), "orders")
	goes, stays := s.createdProcessor(stream, "mail"), s.createdProcessor(stream, "bill")
	lost, kept := newDelivery(goes, start), newDelivery(stays, start)
	note := core.DeliveryNote{Processor: goes.ID, At: start, Count: core.DeliveryCount{Delivered: 1}, Attempts: []core.DeliveryAttempt{lost}}
	s.note(note)
	s.note(core.DeliveryNote{Processor: stays.ID, At: start, Count: core.DeliveryCount{Delivered: 2}, Attempts: []core.DeliveryAttempt{kept}})
	s.must(s.catalog.DeleteGroup(ctx, stream.ID, goes.ID), "DeleteGroup of a processor")
	note.Attempts = []core.DeliveryAttempt{newDelivery(goes, start)}
	s.note(note)
	s.noProcessor(stream.Org, goes.ID)
	_, err := s.catalog.Progress(ctx, goes.ID)
	s.refused(err, core.CodeNotFound, "Progress of a deleted processor")
	s.refused(s.catalog.UpdateProcessor(ctx, another(goes)), core.CodeNotFound, "UpdateProcessor of a deleted one")
	s.listsProcessors(core.ProcessorScan{}, stays)
	s.listsDeliveries(goes, core.DeliveryScan{})
	_, err = s.catalog.Delivery(ctx, lost.Org, lost.ID)
	s.refused(err, core.CodeNotFound, "Delivery of a deleted processor")
	s.listsDeliveries(stays, core.DeliveryScan{}, kept)
	s.counted(start, []core.ID{goes.ID, stays.ID}, core.DeliveryCount{}, core.DeliveryCount{Delivered: 2})
	again := newProcessor(stream, "mail")
	again.ID = goes.ID
	s.must(s.catalog.CreateProcessor(ctx, again, first), "CreateProcessor in place of a deleted one")
	s.listsDeliveries(again, core.DeliveryScan{})
	s.counted(start, []core.ID{goes.ID}, core.DeliveryCount{})
}
