package catalogtest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var credentials = []guarantee{
	{"a key is found by its hash as it was stored", storedKey},
	{"keys of every role and environment are kept", keyKinds},
	{"a key's times are in UTC to the microsecond", keyTimes},
	{"a hash names one key exactly", hashes},
	{"a hash is taken", takenHash},
	{"an expired key is found", expiredKey},
	{"keys are listed newest first", listedKeys},
	{"keys made at once are listed in a stable order", tiedKeys},
	{"a revoked key is found as revoked", revokedKey},
	{"a key is revoked once", revokedOnce},
	{"a key that is not there cannot be revoked", noKey},
	{"every label is a label and nothing else", oddLabels},
}

// newKey makes up a key with something in every field.
func newKey(org core.ID, label string) core.APIKey {
	id := newID(start)
	hash := core.KeyHash{0: 0x27, 1: 0x00, 2: 0xff, 3: 0x5c} // a quote, a zero, no UTF-8, a backslash
	copy(hash[4:], id[:])
	return core.APIKey{
		ID: id, Org: org, Kind: core.KindAPIKey, Label: label, Environment: core.Live, Role: core.RoleProducer, Streams: []core.ID{newID(start), newID(start), {}},
		Masked: "ef_live_…ab12", Hash: hash, CreatedAt: start, ExpiresAt: new(start.Add(time.Hour)),
	}
}

// createdKey stores a key.
func (s *suite) createdKey(key core.APIKey) core.APIKey {
	s.Helper()
	s.must(s.catalog.CreateKey(context.Background(), key), "CreateKey")
	return key
}

func (s *suite) keys(org core.ID) []core.APIKey {
	s.Helper()
	keys, err := s.catalog.Keys(context.Background(), org, core.KeyScan{})
	s.must(err, "Keys")
	return keys
}

// hasKey checks that a key is found as it was stored.
func (s *suite) hasKey(want core.APIKey) {
	s.Helper()
	byHash, err := s.catalog.KeyByHash(context.Background(), want.Hash)
	s.must(err, "KeyByHash")
	s.sameKey(byHash, want)
	listed := s.keys(want.Org)
	i := slices.IndexFunc(listed, func(key core.APIKey) bool { return key.ID == want.ID })
	s.check(i >= 0, "Keys must list every key of the organization, revoked or not")
	s.sameKey(listed[i], want)
}

func (s *suite) sameKey(got, want core.APIKey) {
	s.Helper()
	if len(got.Streams) == 0 && len(want.Streams) == 0 {
		got.Streams, want.Streams = nil, nil
	}
	s.check(reflect.DeepEqual(got, want), "the key must come back as it was stored, times in UTC to the microsecond:\nwant %s\ngot  %s", show(want), show(got))
}

func (s *suite) sameKeys(got, want []core.APIKey) {
	s.Helper()
	s.check(len(got) == len(want), "%d keys must be listed, got %d", len(want), len(got))
	for i := range want {
		s.sameKey(got[i], want[i])
	}
}

// noHash checks that no key has a hash.
func (s *suite) noHash(hash core.KeyHash) {
	s.Helper()
	_, err := s.catalog.KeyByHash(context.Background(), hash)
	s.refused(err, core.CodeNotFound, "KeyByHash of a hash that no key has")
}

func (s *suite) revoke(key core.APIKey, at time.Time) {
	s.Helper()
	s.must(s.catalog.RevokeKey(context.Background(), key.Org, key.ID, at), "RevokeKey")
}

func storedKey(s *suite) {
	org := s.organization()
	full, least := newKey(org, "web shop"), newKey(org, "x")
	least.Streams, least.ExpiresAt = nil, nil
	s.createdKey(full)
	s.createdKey(least)
	s.hasKey(full)
	s.hasKey(least)
}

func keyKinds(s *suite) {
	org := s.organization()
	var made []core.APIKey
	for _, role := range core.Roles {
		for _, environment := range []core.Environment{core.Live, core.Test} {
			key := newKey(org, string(role))
			key.Role, key.Environment = role, environment
			made = append(made, s.createdKey(key))
		}
	}
	many := newKey(org, "many streams")
	for range 200 {
		many.Streams = append(many.Streams, newID(start))
	}
	for _, key := range append(made, s.createdKey(many)) {
		s.hasKey(key)
	}
}

func keyTimes(s *suite) {
	elsewhere := time.FixedZone("elsewhere", 9*3600)
	want := newKey(s.organization(), "web shop")
	want.ExpiresAt = new(time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC))
	given := want
	given.CreatedAt, given.ExpiresAt = want.CreatedAt.Add(500).In(elsewhere), new(want.ExpiresAt.Add(999).In(elsewhere))
	s.createdKey(given)
	s.hasKey(want)
	revoked := start.Add(time.Minute)
	s.revoke(want, revoked.Add(501).In(elsewhere))
	want.RevokedAt = &revoked
	s.hasKey(want)
}

func hashes(s *suite) {
	org := s.organization()
	s.noHash(core.KeyHash{})
	key := s.createdKey(newKey(org, "web shop"))
	s.noHash(core.KeyHash{})
	for i := range key.Hash {
		for _, bit := range []byte{0x01, 0x20, 0x80} {
			near := key.Hash
			near[i] ^= bit
			s.noHash(near)
		}
	}
	zero, high := newKey(org, "zero"), newKey(org, "high")
	zero.Hash, high.Hash = core.KeyHash{}, core.KeyHash([]byte(strings.Repeat("\xff", 32)))
	for _, key := range []core.APIKey{key, s.createdKey(zero), s.createdKey(high)} {
		s.hasKey(key)
	}
}

func takenHash(s *suite) {
	first := s.createdKey(newKey(s.organization(), "first"))
	second := newKey(s.organization(), "second")
	second.Hash = first.Hash
	s.check(s.catalog.CreateKey(context.Background(), second) != nil, "CreateKey with the hash of another key must fail")
	s.hasKey(first)
	s.sameKeys(s.keys(second.Org), nil)
}

func expiredKey(s *suite) {
	key := newKey(s.organization(), "web shop")
	key.ExpiresAt = new(key.CreatedAt.Add(-time.Hour)) // long ago by any clock, and before it was made
	s.hasKey(s.createdKey(key))
}

func listedKeys(s *suite) {
	org := s.organization()
	s.sameKeys(s.keys(org), nil)
	want := make([]core.APIKey, 12)
	for i, age := range []int{3, 11, 0, 7, 5, 1, 10, 2, 9, 4, 8, 6} {
		key := newKey(org, fmt.Sprint(age))
		key.CreatedAt = start.Add(-time.Duration(age) * time.Microsecond)
		want[age] = s.createdKey(key)
		if i%4 == 0 {
			s.revoke(key, start)
			want[age].RevokedAt = &start
		}
	}
	s.sameKeys(s.keys(org), want)
}

func tiedKeys(s *suite) {
	org := s.organization()
	older := newKey(org, "older")
	older.CreatedAt = start.Add(-time.Microsecond)
	s.createdKey(older)
	made := map[core.ID]core.APIKey{}
	for i := range 20 {
		key := s.createdKey(newKey(org, fmt.Sprint(i)))
		made[key.ID] = key
	}
	first := s.keys(org)
	s.check(len(first) == 21, "every key must be listed once: 21, got %d", len(first))
	for _, key := range first[:20] {
		s.sameKey(key, made[key.ID])
		delete(made, key.ID)
	}
	s.sameKey(first[20], older)
	for i := 0; i < len(first); i += 3 {
		s.revoke(first[i], start)
		first[i].RevokedAt = &start
		s.sameKeys(s.keys(org), first)
	}
}

func revokedKey(s *suite) {
	org := s.organization()
	other := s.createdKey(newKey(org, "other"))
	key := s.createdKey(newKey(org, "web shop"))
	revoked := start.Add(time.Minute)
	s.revoke(key, revoked)
	key.RevokedAt = &revoked
	s.hasKey(key)
	s.hasKey(other)
}

func revokedOnce(s *suite) {
	key := s.createdKey(newKey(s.organization(), "web shop"))
	first := start.Add(time.Minute)
	s.revoke(key, first)
	key.RevokedAt = &first
	for _, at := range []time.Time{first.Add(time.Hour), first.Add(-time.Hour)} {
		s.revoke(key, at)
		s.hasKey(key)
	}
}

func noKey(s *suite) {
	org := s.organization()
	key := s.createdKey(newKey(org, "web shop"))
	for _, id := range []core.ID{newID(start), {}, org} {
		s.refused(s.catalog.RevokeKey(context.Background(), org, id, start), core.CodeNotFound, "RevokeKey of a key that is not there")
	}
	s.hasKey(key)
}

func oddLabels(s *suite) {
	org := s.organization()
	var made []core.APIKey
	for _, label := range oddNames {
		made = append(made, s.createdKey(newKey(org, label)))
	}
	made = append(made, s.createdKey(newKey(org, "same")), s.createdKey(newKey(org, "same"))) // a label is no name
	labels := map[core.ID]string{}
	for _, key := range s.keys(org) {
		labels[key.ID] = key.Label
	}
	for _, key := range made {
		got, err := s.catalog.KeyByHash(context.Background(), key.Hash)
		s.must(err, "KeyByHash")
		s.sameKey(got, key)
		s.check(labels[key.ID] == key.Label, "Keys must show the label as it was stored: want %q, got %q", key.Label, labels[key.ID])
	}
}
