package core

import (
	"cmp"
	"time"
)

// Environment tells test keys from live ones; it is part of the key's text.
type Environment string

// The environments of a key.
const (
	Live Environment = "live"
	Test Environment = "test"
)

// KeyHash is the keyed hash of a credential's secret text.
type KeyHash [32]byte

// KeyKind tells the two kinds of machines' credentials apart.
type KeyKind string

// The kinds of credentials. Both are an [APIKey] and are kept together.
const (
	// KindAPIKey is for applications that send events.
	KindAPIKey KeyKind = "api_key"
	// KindServiceToken is for services that work on events, and names its service
	// in its text.
	KindServiceToken KeyKind = "service_token"
)

// String returns the kind as people call it.
func (k KeyKind) String() string {
	if k == KindServiceToken {
		return "service token"
	}
	return "API key"
}

// DefaultRole is the role of a credential that is made without one.
func (k KeyKind) DefaultRole() Role {
	if k == KindServiceToken {
		return RoleConsumer
	}
	return RoleProducer
}

// APIKey is a machine's credential: an API key or a service token. The secret
// itself is kept nowhere.
type APIKey struct {
	ID   ID      `json:"id"`
	Org  ID      `json:"-"`
	Kind KeyKind `json:"kind"`
	// Label says whose the key is. A service token's label is part of its text.
	Label       string      `json:"label"`
	Environment Environment `json:"environment"`
	Role        Role        `json:"role"`
	// Streams narrows the key to these streams; empty is all.
	Streams []ID `json:"streams,omitempty"`
	// DefaultStream takes the events that name no stream.
	DefaultStream ID `json:"default_stream,omitzero"`
	// Rate bounds the key's requests in place of the rate of the organization's keys.
	Rate Rate `json:"rate,omitzero"`
	// Masked is what people may see of the secret: `ef_live_…ab12`.
	Masked string  `json:"masked"`
	Hash   KeyHash `json:"-"`
	// PreviousHash is the hash of the secret before the latest rotation. That secret
	// is good until PreviousValidUntil; nil means that there is none.
	PreviousHash       KeyHash    `json:"-"`
	PreviousValidUntil *time.Time `json:"previous_valid_until,omitempty"`
	// CreatedBy is the user or the key that made the key. Zero stands for whoever
	// operates the server.
	CreatedBy ID        `json:"created_by,omitzero"`
	CreatedAt time.Time `json:"created_at"`
	// LastUsedAt is exact to a minute or so.
	LastUsedAt *time.Time `json:"last_used_at,omitempty"`
	RotatedAt  *time.Time `json:"rotated_at,omitempty"`
	ExpiresAt  *time.Time `json:"expires_at,omitempty"`
	RevokedAt  *time.Time `json:"revoked_at,omitempty"`
}

// KeyRequest describes a key to be made. Fields that are left out take the defaults
// of [identity.KeySpec].
type KeyRequest struct {
	Label       string      `json:"label"`
	Environment Environment `json:"environment,omitempty"`
	Role        Role        `json:"role,omitempty"`
	// Streams and DefaultStream are names or ids.
	Streams       []string `json:"streams,omitempty"`
	DefaultStream string   `json:"default_stream,omitempty"`
	ExpiresAt     *Time    `json:"expires_at,omitempty"`
	// Rate is for those with [ActionManageKeys] to set.
	Rate Rate `json:"rate,omitzero"`
}

// Place returns where the key stands in the list of its organization.
func (k *APIKey) Place() KeyPlace { return KeyPlace{CreatedAt: k.CreatedAt, ID: k.ID} }

// GoodAt reports whether the key is neither revoked nor expired at a time.
func (k *APIKey) GoodAt(now time.Time) bool {
	return k.RevokedAt == nil && (k.ExpiresAt == nil || now.Before(*k.ExpiresAt))
}

// Opens reports whether the secret with this hash is good at a time. The secret is
// the current one, or the one before the latest rotation.
func (k *APIKey) Opens(hash KeyHash, now time.Time) bool {
	return k.GoodAt(now) && (hash == k.Hash || k.PreviousValidUntil != nil && now.Before(*k.PreviousValidUntil))
}

// Principal returns the one who presents the key. The key's own rate comes before
// its organization's.
func (k *APIKey) Principal(org Organization) Principal {
	return Principal{
		Org: k.Org, Key: k.ID, Label: k.Label, Role: k.Role, Streams: k.Streams, DefaultStream: k.DefaultStream,
		Limit: cmp.Or(k.Rate, org.KeyRate).Limit(),
	}
}
