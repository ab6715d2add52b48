package catalogtest

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var ending = []guarantee{
	{"a new catalog answers", answers},
	{"a call whose context has ended fails without effect", cancelled},
	{"a call whose time is up fails without effect", timedOut},
	{"calls after Close fail and do not panic", closed},
}

func answers(s *suite) {
	s.must(s.catalog.Check(context.Background()), "Check")
	s.created(s.organization(), "orders")
	s.must(s.catalog.Check(context.Background()), "Check")
}

// calls are the methods that the suite is about, with arguments that would succeed.
func (s *suite) calls(ctx context.Context, stream core.Stream, key core.APIKey) map[string]func() error {
	changed := stream
	changed.Revision, changed.Name = 2, "changed"
	c := s.catalog
	return map[string]func() error{
		"Check": func() error { return c.Check(ctx) },
		"EnsureOrganization": func() error {
			_, err := c.EnsureOrganization(ctx, core.Organization{ID: newID(start), Name: "late", CreatedAt: start})
			return err
		},
		"Organization":       func() error { _, err := c.Organization(ctx, stream.Org); return err },
		"OldestOrganization": func() error { _, err := c.OldestOrganization(ctx); return err },
		"UpdateOrganization": func() error {
			return c.UpdateOrganization(ctx, core.Organization{ID: stream.Org, Name: "renamed", CreatedAt: start})
		},
		"CreateStream": func() error { return c.CreateStream(ctx, newStream(stream.Org, "late")) },
		"Stream":       func() error { _, err := c.Stream(ctx, stream.Org, stream.ID); return err },
		"StreamNamed":  func() error { _, err := c.StreamNamed(ctx, stream.Org, stream.Name); return err },
		"Streams":      func() error { _, err := c.Streams(ctx, stream.Org, "", 1); return err },
		"AllStreams":   func() error { _, err := c.AllStreams(ctx, core.ID{}, 1); return err },
		"UpdateStream": func() error { return c.UpdateStream(ctx, changed) },
		"CreateKey":    func() error { return c.CreateKey(ctx, newKey(stream.Org, "late")) },
		"KeyByHash":    func() error { _, err := c.KeyByHash(ctx, key.Hash); return err },
		"Key":          func() error { _, err := c.Key(ctx, key.Org, key.ID); return err },
		"Keys":         func() error { _, err := c.Keys(ctx, key.Org, core.KeyScan{}); return err },
		"RotateKey":    func() error { return c.RotateKey(ctx, rotated(key)) },
		"RevokeKey":    func() error { return c.RevokeKey(ctx, key.Org, key.ID, start) },
		"TouchKeys":    func() error { return c.TouchKeys(ctx, map[core.ID]time.Time{key.ID: start}) },
	}
}

// fails makes every call with a context that has ended, and then with one that
// has not.
func (s *suite) fails(ctx context.Context, why string) {
	org := s.organization()
	stream, key := s.created(org, "orders"), s.createdKey(newKey(org, "web shop"))
	for range 2 {
		for call, do := range s.calls(ctx, stream, key) {
			s.failed(do(), call, why)
		}
		s.has(stream)
		s.hasKey(key)
		got, err := s.catalog.Organization(context.Background(), org)
		s.must(err, "Organization")
		s.check(got.Name != "renamed", "UpdateOrganization must have no effect when it fails")
		s.nameless(org, "late")
		s.sameStreams(s.list(org, everything), []core.Stream{stream})
		s.sameKeys(s.keys(org), []core.APIKey{key})
	}
	late := core.Organization{ID: newID(start), Name: "late", CreatedAt: start}
	s.check(s.ensure(late) == late, "EnsureOrganization must have no effect when it fails")
	for call, do := range s.calls(context.Background(), stream, key) {
		if call != "StreamNamed" && call != "RotateKey" { // it may have been renamed, or revoked, before
			s.must(do(), call+" after calls that failed")
		}
	}
}

// failed checks that a call failed, and not with what would say that the thing
// is not there, is taken, or was changed.
func (s *suite) failed(err error, call, why string) {
	s.Helper()
	s.check(err != nil, "%s must fail %s", call, why)
	switch code := core.CodeOf(err); code {
	case core.CodeNotFound, core.CodeConflict, core.CodePreconditionFailed:
		s.Fatalf("%s must not answer %s %s: it cannot know, got %v", call, code, why, err)
	}
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
	org := s.organization()
	stream, key := s.created(org, "orders"), s.createdKey(newKey(org, "web shop"))
	s.must(s.catalog.Close(), "Close")
	for call, do := range s.calls(context.Background(), stream, key) {
		s.failed(do(), call, "after Close")
	}
	_ = s.catalog.Close() // a second Close may fail, but must not panic
}
