package inbound

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// secrets are what a source has in its Sealed.
type secrets struct {
	// Token is the secret part of the address. It is kept so that its hash can be made
	// anew when the server's secret changes; nobody is shown it again. A source that
	// fetches has one that nobody is ever shown.
	Token string `json:"token"`
	// Secret is what the sender signs with, and Previous what it signed with before, until
	// the time.
	Secret   string    `json:"secret,omitempty"`
	Previous string    `json:"previous,omitempty"`
	Until    time.Time `json:"until,omitzero"`
	// From are the secrets of what is fetched, as its connector keeps them.
	From json.RawMessage `json:"from,omitempty"`
}

// SecretGrace is how long the secret before a change stays good.
const SecretGrace = 24 * time.Hour

// replace makes another secret the one that is good.
func (s *secrets) replace(secret string, now time.Time) {
	if secret == s.Secret {
		return
	}
	s.Previous, s.Until, s.Secret = s.Secret, now.Add(SecretGrace), secret
}

// at returns the secrets that are good at a time.
func (s *secrets) at(now time.Time) []string {
	if s.Previous != "" && now.Before(s.Until) {
		return []string{s.Secret, s.Previous}
	}
	return []string{s.Secret}
}

const (
	tokenPrefix = "in_"
	tokenBytes  = 32 // random
)

// newToken returns the secret part of an address.
func newToken() string {
	random := make([]byte, tokenBytes)
	_, _ = rand.Read(random) // never fails
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(random)
}

// wellFormedToken reports whether a text can be a token. Others never reach the catalog.
func wellFormedToken(token string) bool {
	random, is := strings.CutPrefix(token, tokenPrefix)
	return is && len(random) == base64.RawURLEncoding.EncodedLen(tokenBytes)
}

// masked is what people may see of a token.
func masked(token string) string { return tokenPrefix + "…" + token[len(token)-4:] }

// vault seals the secrets of sources and hashes their tokens.
type vault struct {
	sealer *core.Sealer
	// keys hash tokens: the first one those that are stored now, the others, of the
	// server's secrets before, those that are not stored anew yet.
	keys [][]byte
}

func newVault(secrets [][]byte) vault {
	v := vault{sealer: core.NewSealer(secrets...)}
	for _, secret := range secrets {
		if len(secret) > 0 {
			v.keys = append(v.keys, mac(secret, []byte("eventflow inbound")))
		}
	}
	return v
}

func mac(key, message []byte) []byte {
	hash := hmac.New(sha256.New, key)
	hash.Write(message)
	return hash.Sum(nil)
}

// hashes returns the hashes that a token may be stored under, the present one first.
func (v vault) hashes(token string) []core.KeyHash {
	hashes := make([]core.KeyHash, len(v.keys))
	for i, key := range v.keys {
		hashes[i] = core.KeyHash(mac(key, []byte(token)))
	}
	return hashes
}

func about(source *core.Source) []byte { return slices.Concat([]byte("source "), source.ID[:]) }

// seal puts secrets into a source, and what goes with the token.
func (v vault) seal(source *core.Source, kept secrets) error {
	plain, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	source.Sealed, source.Hash = v.sealer.Seal(plain, about(source)), v.hashes(kept.Token)[0]
	if !source.Preset.Fetches() {
		source.Masked = masked(kept.Token)
	}
	return nil
}

// open returns the secrets of a source.
func (v vault) open(source *core.Source) (kept secrets, err error) {
	plain, err := v.sealer.Open(source.Sealed, about(source))
	if err == nil {
		err = json.Unmarshal(bytes.TrimSpace(plain), &kept)
	}
	return kept, err
}

// When sources are sealed anew after a change of the server's secret. The other nodes have
// the new secret by then: before, they could not find the addresses any more.
const (
	resealFirst = 15 * time.Minute
	resealEvery = time.Hour
	resealPage  = 200
)

// Run seals anew what is sealed with the server's secret before, until ctx ends.
func (s *Sources) Run(ctx context.Context, ran core.Ran) {
	if len(s.vault.keys) < 2 {
		return
	}
	timer := time.NewTimer(resealFirst)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		_, err := s.Reseal(ctx)
		ran.Tell("sources", err)
		timer.Reset(resealEvery)
	}
}

// Reseal seals anew the secrets of all sources that are sealed with the server's secret
// before, and returns how many there were.
func (s *Sources) Reseal(ctx context.Context) (n int, err error) {
	for after := (core.ID{}); ; {
		page, err := s.Catalog.Sources(ctx, core.ID{}, after, resealPage)
		if err != nil {
			return n, core.StoreFailed(err)
		}
		for i := range page {
			done, err := s.reseal(ctx, &page[i])
			if err != nil {
				return n, err
			}
			if done {
				n++
			}
		}
		if len(page) < resealPage {
			return n, nil
		}
		after = page[len(page)-1].ID
	}
}

// reseal seals a source anew if that is due. Somebody who changes it at the same moment
// does so, too.
func (s *Sources) reseal(ctx context.Context, source *core.Source) (done bool, err error) {
	if !s.vault.sealer.Stale(source.Sealed) {
		return false, nil
	}
	kept, err := s.vault.open(source)
	if err != nil {
		return false, err
	}
	if err := s.vault.seal(source, kept); err != nil {
		return false, err
	}
	source.Revision++
	err = s.Catalog.UpdateSource(ctx, *source)
	if code := core.CodeOf(err); code == core.CodePreconditionFailed || code == core.CodeNotFound {
		return false, nil
	}
	return err == nil, core.StoreFailed(err)
}
