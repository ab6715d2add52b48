package catalogtest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var organizations = []guarantee{
	{"an organization is made once", madeOnce},
	{"an organization is made with any name", oddOrganizations},
	{"an organization is found by its id", organizationByID},
	{"the oldest organization is the one that was made first", oldestOrganization},
	{"an organization is renamed", renamedOrganization},
	{"a name is any number of organizations'", sharedName},
	{"an organization's time is in UTC to the microsecond", organizationTime},
	{"an organization is limited", limitedOrganization},
	{"an organization is limited and renamed, and neither undoes the other", limitedAndRenamed},
	{"organizations are listed by id in pages", listedOrganizations},
	{"what an organization has is counted", heldThings},
}

func (s *suite) ensure(org core.Organization) core.Organization {
	s.Helper()
	stored, err := s.catalog.EnsureOrganization(context.Background(), org)
	s.must(err, "EnsureOrganization")
	return stored
}

func madeOnce(s *suite) {
	first := core.Organization{ID: newID(start), Name: "acme", CreatedAt: start}
	got := s.ensure(first)
	s.check(got == first, "a new organization must be stored as it was given: want %+v, got %+v", first, got)
	got = s.ensure(core.Organization{ID: newID(start), Name: "acme", CreatedAt: start.Add(time.Hour)})
	s.check(got == first, "an organization that is there must be returned as it is: want %+v, got %+v", first, got)
	other := core.Organization{ID: newID(start), Name: "Acme", CreatedAt: start}
	got = s.ensure(other)
	s.check(got == other, "another name must be another organization: want %+v, got %+v", other, got)
	got = s.ensure(first)
	s.check(got == first, "an organization must stay as it is: want %+v, got %+v", first, got)
}

func oddOrganizations(s *suite) {
	made := map[string]core.Organization{}
	for _, name := range oddNames {
		made[name] = s.ensure(core.Organization{ID: newID(start), Name: name, CreatedAt: start})
		s.check(made[name].Name == name, "the name must be kept: want %q, got %q", name, made[name].Name)
	}
	ids := map[core.ID]string{}
	for name, want := range made {
		got := s.ensure(core.Organization{ID: newID(start), Name: name, CreatedAt: start})
		s.check(got == want, "%q must name the organization it named before: want %+v, got %+v", name, want, got)
		s.check(ids[got.ID] == "", "%q and %q must name two organizations", name, ids[got.ID])
		ids[got.ID] = name
	}
}

func organizationTime(s *suite) {
	given := start.Add(789).In(time.FixedZone("elsewhere", 5*3600+1800))
	for range 2 {
		got := s.ensure(core.Organization{ID: newID(start), Name: "acme", CreatedAt: given}).CreatedAt
		s.check(got.Equal(start) && got.Location() == time.UTC, "CreatedAt must be %v, got %v", start, got)
	}
}

// hasOrganization checks that an organization is found as it was stored.
func (s *suite) hasOrganization(want core.Organization) {
	s.Helper()
	got, err := s.catalog.Organization(context.Background(), want.ID)
	s.must(err, "Organization")
	s.check(got == want, "an organization must be found as it was stored: want %+v, got %+v", want, got)
	named := s.named(want.Name)
	s.check(slices.Contains(named, want), "an organization must be found by its name: want %+v, got %+v", want, named)
}

// named returns the organizations of a name.
func (s *suite) named(name string) []core.Organization {
	s.Helper()
	all, err := s.catalog.OrganizationsNamed(context.Background(), name)
	s.must(err, "OrganizationsNamed")
	for _, org := range all {
		s.check(org.Name == name, "OrganizationsNamed of %q must return no other name, got %q", name, org.Name)
	}
	return all
}

func organizationByID(s *suite) {
	for _, id := range []core.ID{newID(start), {}} {
		_, err := s.catalog.Organization(context.Background(), id)
		s.refused(err, core.CodeNotFound, "Organization of an id that none has")
	}
	first := s.ensure(core.Organization{ID: newID(start), Name: "acme", CreatedAt: start})
	second := s.ensure(core.Organization{ID: newID(start), Name: "umbrella", CreatedAt: start.Add(time.Hour)})
	for _, name := range []string{"", "Acme", "acm_", "umbrella "} {
		s.check(len(s.named(name)) == 0, "OrganizationsNamed of a name that none has must return none")
	}
	s.hasOrganization(first)
	s.hasOrganization(second)
}

func oldestOrganization(s *suite) {
	_, err := s.catalog.OldestOrganization(context.Background())
	s.refused(err, core.CodeNotFound, "OldestOrganization where there is none")
	for _, minutes := range []int{5, 9, 2, 7, 2} {
		at := start.Add(time.Duration(minutes) * time.Minute)
		s.ensure(core.Organization{ID: newID(start), Name: at.String(), CreatedAt: at})
	}
	for range 3 {
		oldest, err := s.catalog.OldestOrganization(context.Background())
		s.must(err, "OldestOrganization")
		want := start.Add(2 * time.Minute)
		s.check(oldest.CreatedAt == want, "OldestOrganization must be the one of %v, got %+v", want, oldest)
		s.hasOrganization(oldest)
	}
}

func renamedOrganization(s *suite) {
	other := s.ensure(core.Organization{ID: newID(start), Name: "umbrella", CreatedAt: start})
	org := s.ensure(core.Organization{ID: newID(start), Name: "acme", CreatedAt: start})
	stream := s.created(org.ID, "orders")
	for _, name := range []string{"acme 2", "acme 2", oddNames[0], "\U0001f389%_", "acme"} {
		org.Name = name
		s.must(s.catalog.UpdateOrganization(context.Background(), org), "UpdateOrganization")
		s.hasOrganization(org)
	}
	changed := org
	changed.Name, changed.CreatedAt = "acme 3", start.Add(time.Hour)
	s.must(s.catalog.UpdateOrganization(context.Background(), changed), "UpdateOrganization")
	org.Name = "acme 3"
	s.hasOrganization(org) // the name is all that changes
	s.hasOrganization(other)
	s.has(stream)
	again := core.Organization{ID: newID(start), Name: "acme", CreatedAt: start}
	s.check(s.ensure(again) == again, "the name that was given up must be free")
}

func sharedName(s *suite) {
	first := s.ensure(core.Organization{ID: newID(start), Name: "acme", CreatedAt: start.Add(time.Minute)})
	second := s.ensure(core.Organization{ID: newID(start), Name: "umbrella", CreatedAt: start})
	second.Name = "acme"
	s.must(s.catalog.UpdateOrganization(context.Background(), second), "UpdateOrganization to the name of another one")
	third := core.Organization{ID: newID(start), Name: "acme", CreatedAt: start.Add(time.Hour), KeyRate: core.Rate{PerMinute: 6, PerSecond: 5}}
	s.must(s.catalog.CreateOrganization(context.Background(), third), "CreateOrganization")
	s.check(s.catalog.CreateOrganization(context.Background(), third) != nil, "CreateOrganization with the id of another one must fail")
	want := []core.Organization{second, first, third}
	got := s.named("acme")
	s.check(slices.Equal(got, want), "OrganizationsNamed must return all of a name, oldest first:\nwant %+v\ngot  %+v", want, got)
	ensured := s.ensure(core.Organization{ID: newID(start), Name: "acme", CreatedAt: start.Add(-time.Hour)})
	s.check(ensured == second, "EnsureOrganization must return the oldest of a name: want %+v, got %+v", second, ensured)
	nobody := core.Organization{ID: newID(start), Name: "nobody"}
	s.refused(s.catalog.UpdateOrganization(context.Background(), nobody), core.CodeNotFound, "UpdateOrganization of one that is not there")
	for _, org := range want {
		s.hasOrganization(org)
	}
}

// limited gives an organization other limits and returns it as it must be then.
func (s *suite) limited(org core.Organization, key, user core.Rate) core.Organization {
	s.Helper()
	org.KeyRate, org.UserRate = key, user
	n := int64(key.PerMinute)
	org.Shares = core.Shares{Streams: n, Groups: 2 * n, Keys: 3 * n, Users: 4 * n, Sources: 8 * n, Replays: 5 * n, Lasting: 6 * n, Uploads: n << 20}
	s.must(s.catalog.LimitOrganization(context.Background(), org), "LimitOrganization")
	return org
}

func limitedOrganization(s *suite) {
	most := core.Rate{PerMinute: core.MaxLimit, PerSecond: core.MaxLimit - 1}
	born := core.Organization{ID: newID(start), Name: "born", CreatedAt: start, KeyRate: most, UserRate: core.Rate{PerMinute: 4, PerSecond: 3}, Shares: core.Shares{Groups: 1, Uploads: core.MaxShare}}
	s.check(s.ensure(born) == born, "a new organization must be stored with its limits")
	other := s.ensure(core.Organization{ID: newID(start), Name: "umbrella", CreatedAt: start})
	org := s.ensure(core.Organization{ID: newID(start), Name: "acme", CreatedAt: start})
	for _, rates := range [][2]core.Rate{
		{{PerMinute: 6000, PerSecond: 200}, {PerMinute: 1000, PerSecond: 100}},
		{{PerMinute: 6000, PerSecond: 200}, {PerMinute: 1000, PerSecond: 100}},
		{most, {}},
		{{}, most},
		{{PerMinute: 70}, {PerMinute: 80}},
		{},
	} {
		org = s.limited(org, rates[0], rates[1])
		s.hasOrganization(org)
		s.hasOrganization(other)
		s.hasOrganization(born)
	}
	nobody := core.Organization{ID: newID(start), Name: "acme", KeyRate: most}
	s.refused(s.catalog.LimitOrganization(context.Background(), nobody), core.CodeNotFound, "LimitOrganization of one that is not there")
	s.hasOrganization(org)
}

func limitedAndRenamed(s *suite) {
	read := s.ensure(core.Organization{ID: newID(start), Name: "acme", CreatedAt: start})
	limited := s.limited(read, core.Rate{PerMinute: 2, PerSecond: 1}, core.Rate{PerMinute: 4, PerSecond: 3})
	renamed := read // before it was limited
	renamed.Name = "acme 2"
	s.must(s.catalog.UpdateOrganization(context.Background(), renamed), "UpdateOrganization")
	renamed.KeyRate, renamed.UserRate, renamed.Shares = limited.KeyRate, limited.UserRate, limited.Shares
	s.hasOrganization(renamed)
	late := limited // before it was renamed
	late.CreatedAt = start.Add(time.Hour)
	late = s.limited(late, core.Rate{PerMinute: 6, PerSecond: 5}, core.Rate{})
	renamed.KeyRate, renamed.UserRate, renamed.Shares = late.KeyRate, late.UserRate, late.Shares
	s.hasOrganization(renamed)
}

// listOrganizations returns all organizations in pages of limit.
func (s *suite) listOrganizations(limit int) []core.Organization {
	s.Helper()
	var all []core.Organization
	for after := (core.ID{}); ; after = all[len(all)-1].ID {
		page, err := s.catalog.Organizations(context.Background(), after, limit)
		s.must(err, "Organizations")
		s.check(len(page) <= limit, "Organizations must return at most %d organizations, got %d", limit, len(page))
		s.check(len(page) == 0 || bytes.Compare(page[0].ID[:], after[:]) > 0, "Organizations must return ids greater than %s, got %+v", after, page)
		all = append(all, page...)
		if len(page) < limit {
			return all
		}
	}
}

func listedOrganizations(s *suite) {
	s.check(len(s.listOrganizations(everything)) == 0, "a new catalog must have no organizations")
	var want []core.Organization
	for i, name := range oddNames {
		org := s.ensure(core.Organization{ID: newID(start), Name: name, CreatedAt: start.Add(time.Duration(i) * time.Second)})
		want = append(want, s.limited(org, core.Rate{PerMinute: i + 1}, core.Rate{PerMinute: i + 2, PerSecond: 1}))
	}
	slices.SortFunc(want, func(a, b core.Organization) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	for _, limit := range []int{1, 2, 7, len(want), everything} {
		got := s.listOrganizations(limit)
		s.check(slices.Equal(got, want), "these organizations must be listed, in this order:\nwant %+v\ngot  %+v", want, got)
	}
}

// heldThings counts what an organization has: neither what was removed nor what belongs to
// another one.
func heldThings(s *suite) {
	ctx := context.Background()
	held := func(org core.ID, want core.Shares) {
		s.Helper()
		got, err := s.catalog.Held(ctx, org)
		s.must(err, "Held")
		s.check(got == want, "an organization has %+v, not %+v", want, got)
	}
	mine, theirs := s.organization(), s.organization()
	held(mine, core.Shares{})
	gone := s.created(mine, "gone")
	for _, stream := range []core.Stream{s.created(mine, "a"), s.created(mine, "b"), gone, s.created(theirs, "a")} {
		group := core.Group{ID: newID(start), Org: stream.Org, Stream: stream.ID, Name: "mail", Mode: core.Shared, Revision: 1, CreatedAt: start, UpdatedAt: start}
		s.must(s.catalog.CreateGroup(ctx, group, core.Progress{Revision: 1, State: []byte("{}")}), "CreateGroup")
	}
	s.remove(gone)
	revoked := newKey(mine, "revoked")
	for _, key := range []core.APIKey{newKey(mine, "one"), newKey(mine, "two"), newKey(mine, "three"), revoked, newKey(theirs, "one")} {
		s.must(s.catalog.CreateKey(ctx, key), "CreateKey")
	}
	s.must(s.catalog.RevokeKey(ctx, mine, revoked.ID, start), "RevokeKey")
	for _, state := range []core.ReplayState{core.ReplayRunning, core.ReplayDone, core.ReplayStopped} {
		replay := core.Replay{ID: newID(start), Org: mine, State: state, Revision: 1, CreatedAt: start, UpdatedAt: start}
		s.must(s.catalog.CreateReplay(ctx, replay), "CreateReplay")
	}
	for i, org := range []core.ID{mine, mine, theirs} {
		s.must(s.catalog.CreateUser(ctx, newUser(org, fmt.Sprintf("p%d-%v@example.com", i, newID(start)))), "CreateUser")
	}
	for _, source := range []core.Source{newSource(gone, "one"), newSource(gone, "two"), newSource(core.Stream{Org: theirs}, "one")} {
		s.must(s.catalog.CreateSource(ctx, source), "CreateSource")
	}
	held(mine, core.Shares{Streams: 2, Groups: 2, Keys: 3, Users: 2, Sources: 2, Replays: 1})
	held(theirs, core.Shares{Streams: 1, Groups: 1, Keys: 1, Users: 1, Sources: 1})
}
