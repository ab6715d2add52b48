package catalogtest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var keyLife = []guarantee{
	{"a service token is kept with all of its fields", storedToken},
	{"keys are listed by kind and by who made them", scannedKeys},
	{"keys are listed in pages without a gap", keyPages},
	{"a rotated key is found by both of its hashes", rotatedKey},
	{"a rotation may leave no hash but the new one", rotatedAtOnce},
	{"of many that rotate a key one does", racingRotations},
	{"a revoked key is not rotated", rotatedTooLate},
	{"a key that is handed over has another creator", handedOverKey},
	{"the latest use of a key is kept", usedKey},
	{"many keys are touched at once", manyUsed},
}

// newToken makes up a service token with something in every field.
func newToken(org core.ID, name string) core.APIKey {
	token := newKey(org, name)
	token.Kind, token.Role, token.Masked = core.KindServiceToken, core.RoleConsumer, "svc_"+name+"_…ab12"
	token.DefaultStream, token.CreatedBy = token.Streams[1], newID(start)
	token.Rate = core.Rate{PerMinute: 6000, PerSecond: 200}
	token.LastUsedAt, token.RotatedAt = new(start.Add(time.Minute)), new(start.Add(time.Second))
	token.PreviousHash, token.PreviousValidUntil = core.KeyHash{31: 9, 30: token.ID[15], 29: token.ID[14], 28: token.ID[13]}, new(start.Add(time.Hour))
	return token
}

// rotated is a key with another secret.
func rotated(key core.APIKey) core.APIKey {
	key.PreviousHash, key.PreviousValidUntil = key.Hash, new(start.Add(24*time.Hour))
	key.Hash[31] ^= 0x55
	key.Hash[30]++
	key.Masked, key.RotatedAt = "ef_live_…cd34", new(start.Add(time.Second))
	return key
}

// hasHashes checks that a key is found by its id and by both of its hashes.
func (s *suite) hasHashes(want core.APIKey) {
	s.Helper()
	s.hasKey(want)
	byID, err := s.catalog.Key(context.Background(), want.Org, want.ID)
	s.must(err, "Key")
	s.sameKey(byID, want)
	if want.PreviousValidUntil != nil {
		byPrevious, err := s.catalog.KeyByHash(context.Background(), want.PreviousHash)
		s.must(err, "KeyByHash of a PreviousHash")
		s.sameKey(byPrevious, want)
	}
}

func storedToken(s *suite) {
	org := s.organization()
	token, key := s.createdKey(newToken(org, "mailer")), s.createdKey(newKey(org, "web shop"))
	s.hasHashes(token)
	s.hasHashes(key)
	s.noHash(core.KeyHash{})
	_, err := s.catalog.Key(context.Background(), org, newID(start))
	s.refused(err, core.CodeNotFound, "Key of a key that is not there")
}

func (s *suite) scan(org core.ID, scan core.KeyScan) []core.APIKey {
	s.Helper()
	keys, err := s.catalog.Keys(context.Background(), org, scan)
	s.must(err, "Keys")
	return keys
}

func scannedKeys(s *suite) {
	org, ann, bob := s.organization(), newID(start), newID(start)
	made := map[string][]core.APIKey{}
	for i := range 12 {
		key := newKey(org, fmt.Sprint(i))
		if i%2 == 0 {
			key.Kind = core.KindServiceToken
		}
		if key.CreatedBy = ann; i%3 == 0 {
			key.CreatedBy = bob
		}
		key.CreatedAt = start.Add(-time.Duration(i) * time.Second)
		for _, list := range []string{"all", string(key.Kind), key.CreatedBy.String(), string(key.Kind) + key.CreatedBy.String()} {
			made[list] = append(made[list], key)
		}
		s.createdKey(key)
	}
	s.sameKeys(s.scan(org, core.KeyScan{}), made["all"])
	for _, kind := range []core.KeyKind{core.KindAPIKey, core.KindServiceToken} {
		s.sameKeys(s.scan(org, core.KeyScan{Kind: kind}), made[string(kind)])
		for _, by := range []core.ID{ann, bob} {
			s.sameKeys(s.scan(org, core.KeyScan{CreatedBy: by}), made[by.String()])
			s.sameKeys(s.scan(org, core.KeyScan{Kind: kind, CreatedBy: by}), made[string(kind)+by.String()])
		}
	}
	s.sameKeys(s.scan(org, core.KeyScan{CreatedBy: newID(start)}), nil)
}

func keyPages(s *suite) {
	org, by := s.organization(), newID(start)
	for i := range 23 {
		key := newKey(org, fmt.Sprint(i))
		key.CreatedBy, key.CreatedAt = by, start.Add(time.Duration(i/5)*time.Microsecond) // five of each time
		s.createdKey(key)
	}
	all := s.scan(org, core.KeyScan{})
	s.check(len(all) == 23, "every key must be listed: 23, got %d", len(all))
	for _, limit := range []int{1, 2, 5, 7, 22, 23, 24} {
		scan := core.KeyScan{Kind: core.KindAPIKey, CreatedBy: by, Limit: limit}
		var paged []core.APIKey
		for {
			page := s.scan(org, scan)
			s.check(len(page) <= limit, "Keys must return at most %d keys, got %d", limit, len(page))
			paged = append(paged, page...)
			if len(page) < limit {
				break
			}
			last := page[len(page)-1]
			scan.After = core.KeyPlace{CreatedAt: last.CreatedAt, ID: last.ID}
		}
		s.sameKeys(paged, all)
	}
}

func rotatedKey(s *suite) {
	org := s.organization()
	key, other := s.createdKey(newKey(org, "web shop")), s.createdKey(newKey(org, "other"))
	once := rotated(key)
	s.must(s.catalog.RotateKey(context.Background(), once), "RotateKey")
	s.hasHashes(once)
	twice := rotated(once)
	twice.Label, twice.Role, twice.Streams = "changed", core.RoleAdmin, nil // which is no part of a rotation
	s.must(s.catalog.RotateKey(context.Background(), twice), "RotateKey")
	twice.Label, twice.Role, twice.Streams = once.Label, once.Role, once.Streams
	s.hasHashes(twice)
	s.noHash(key.Hash)
	s.refused(s.catalog.RotateKey(context.Background(), rotated(key)), core.CodePreconditionFailed, "RotateKey from a hash that is no longer the key's")
	unknown := rotated(twice)
	unknown.ID = newID(start)
	s.refused(s.catalog.RotateKey(context.Background(), unknown), core.CodeNotFound, "RotateKey of a key that is not there")
	s.hasHashes(twice)
	s.hasKey(other)
}

func rotatedAtOnce(s *suite) {
	key := s.createdKey(newKey(s.organization(), "web shop"))
	next := rotated(key)
	next.PreviousValidUntil = nil
	s.must(s.catalog.RotateKey(context.Background(), next), "RotateKey")
	next.PreviousHash = core.KeyHash{}
	s.hasHashes(next)
	s.noHash(key.Hash)
	s.noHash(core.KeyHash{})
}

func racingRotations(s *suite) {
	key := s.createdKey(newKey(s.organization(), "web shop"))
	made := make([]core.APIKey, callers)
	for i := range made {
		made[i] = rotated(key)
		made[i].Hash[0] = byte(i)
	}
	winner := s.won(race(callers, func(i int) error {
		return s.catalog.RotateKey(context.Background(), made[i])
	}), core.CodePreconditionFailed, "RotateKey")
	s.hasHashes(made[winner])
}

func rotatedTooLate(s *suite) {
	key := s.createdKey(newKey(s.organization(), "web shop"))
	s.revoke(key, start)
	key.RevokedAt = &start
	s.refused(s.catalog.RotateKey(context.Background(), rotated(key)), core.CodePreconditionFailed, "RotateKey of a revoked key")
	s.hasKey(key)
}

func usedKey(s *suite) {
	one, two := s.organization(), s.organization()
	first, second, idle := s.createdKey(newKey(one, "first")), s.createdKey(newKey(two, "second")), s.createdKey(newKey(one, "idle"))
	at := start.Add(time.Minute)
	s.must(s.catalog.TouchKeys(context.Background(), nil), "TouchKeys of none")
	s.must(s.catalog.TouchKeys(context.Background(), map[core.ID]time.Time{first.ID: at, second.ID: at.Add(time.Second), newID(start): at}), "TouchKeys")
	s.must(s.catalog.TouchKeys(context.Background(), map[core.ID]time.Time{first.ID: at.Add(-1 * time.Second), second.ID: at.Add(time.Hour)}), "TouchKeys")
	first.LastUsedAt, second.LastUsedAt = &at, new(at.Add(time.Hour))
	s.hasHashes(first)
	s.hasHashes(second)
	s.hasHashes(idle)
}

func handedOverKey(s *suite) {
	ctx, org, other := context.Background(), s.organization(), s.organization()
	key, stays, to := s.createdKey(newToken(org, "mailer")), s.createdKey(newToken(org, "printer")), newID(start)
	s.must(s.catalog.HandOverKey(ctx, org, key.ID, to), "HandOverKey")
	key.CreatedBy = to
	s.hasHashes(key)
	s.hasHashes(stays)
	s.refused(s.catalog.HandOverKey(ctx, other, key.ID, newID(start)), core.CodeNotFound, "HandOverKey in another organization")
	s.refused(s.catalog.HandOverKey(ctx, org, newID(start), to), core.CodeNotFound, "HandOverKey of a key that is not there")
	s.hasHashes(key)
}

func manyUsed(s *suite) {
	org := s.organization()
	used := map[core.ID]time.Time{}
	for i := range 20 {
		key := s.createdKey(newKey(org, fmt.Sprint(i)))
		used[key.ID] = start.Add(time.Duration(i) * time.Second)
	}
	for range 600 {
		used[newID(start)] = start
	}
	for _, err := range race(3, func(int) error { return s.catalog.TouchKeys(context.Background(), used) }) {
		s.must(err, "TouchKeys by several at once")
	}
	keys := s.keys(org)
	s.check(!slices.ContainsFunc(keys, func(key core.APIKey) bool {
		return key.LastUsedAt == nil || !key.LastUsedAt.Equal(used[key.ID])
	}), "each key must have its own time")
}
