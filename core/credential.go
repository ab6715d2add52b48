package core

import (
	"fmt"
	"time"
)

// Role is a set of permissions, defined in policies/.
type Role string

// The roles of the contract.
const (
	RoleAdmin     Role = "admin"
	RoleDeveloper Role = "developer"
	RoleViewer    Role = "viewer"
	RoleProducer  Role = "producer"
	RoleConsumer  Role = "consumer"
)

// Action names one thing a principal can do; policies/ grants them to roles.
type Action string

// The actions there are.
const (
	ActionIngest       Action = "events:ingest"
	ActionReadEvents   Action = "events:read"
	ActionExportEvents Action = "events:export"
	ActionReadStreams  Action = "streams:read"
	ActionWriteStreams Action = "streams:write"
	ActionConsume      Action = "events:consume"
	ActionReadGroups   Action = "groups:read"
	ActionWriteGroups  Action = "groups:write"
	ActionReadLetters  Action = "deadletters:read"
	ActionWriteLetters Action = "deadletters:write"
	ActionReadKeys     Action = "keys:read"
	// ActionWriteKeys is for API keys and service tokens: a developer's own, all
	// for an admin, who also has ActionManageKeys.
	ActionWriteKeys         Action = "keys:write"
	ActionManageKeys        Action = "keys:manage"
	ActionReadUsers         Action = "users:read"
	ActionWriteUsers        Action = "users:write"
	ActionReadOrganization  Action = "organization:read"
	ActionWriteOrganization Action = "organization:write"
	// ActionCreateOrganizations is for admins of the installation's first
	// organization.
	ActionCreateOrganizations Action = "organizations:create"
	ActionReadAudit           Action = "audit:read"
)

// Actions lists every action, for the tests and tables that must cover all.
var Actions = []Action{
	ActionIngest, ActionReadEvents, ActionExportEvents, ActionReadStreams, ActionWriteStreams,
	ActionConsume, ActionReadGroups, ActionWriteGroups, ActionReadLetters, ActionWriteLetters,
	ActionReadKeys, ActionWriteKeys, ActionManageKeys, ActionReadUsers, ActionWriteUsers,
	ActionReadOrganization, ActionWriteOrganization, ActionCreateOrganizations, ActionReadAudit,
}

// Roles lists every role.
var Roles = []Role{RoleAdmin, RoleDeveloper, RoleViewer, RoleProducer, RoleConsumer}

// Principal is who makes a request.
type Principal struct {
	Org ID
	// Key is the API key or service token that was presented, User the person
	// who signed in: one of the two.
	Key  ID
	User ID
	// Session is the sign-in that a user's request belongs to.
	Session ID
	Label   string
	Role    Role
	// Streams narrows the principal to these streams; empty is all of the
	// organization's.
	Streams []ID
	// DefaultStream is where the principal's events go that name no stream; zero
	// is none.
	DefaultStream ID
	// Limit bounds the principal's requests in place of what its kind is bound
	// by; zero changes nothing.
	Limit Limit
}

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

// defaultRole is that of a credential made without one.
func (k KeyKind) defaultRole() Role {
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
	// Label says whose the key is. That of a service token is part of its text.
	Label       string      `json:"label"`
	Environment Environment `json:"environment"`
	Role        Role        `json:"role"`
	// Streams narrows the key to these streams; empty is all.
	Streams []ID `json:"streams,omitempty"`
	// DefaultStream is where the events go that name no stream.
	DefaultStream ID `json:"default_stream,omitzero"`
	// Rate bounds the key's requests in place of what the organization's keys are
	// bound by.
	Rate Rate `json:"rate,omitzero"`
	// Masked is what people may see of the secret: `ef_live_…ab12`.
	Masked string  `json:"masked"`
	Hash   KeyHash `json:"-"`
	// PreviousHash is that of the secret before the latest rotation, which works
	// until PreviousValidUntil; without a time there is none.
	PreviousHash       KeyHash    `json:"-"`
	PreviousValidUntil *time.Time `json:"previous_valid_until,omitempty"`
	// CreatedBy is the user or the key that made the key; zero is who operates
	// the server.
	CreatedBy ID        `json:"created_by,omitzero"`
	CreatedAt time.Time `json:"created_at"`
	// LastUsedAt is exact to a minute or so.
	LastUsedAt *time.Time `json:"last_used_at,omitempty"`
	RotatedAt  *time.Time `json:"rotated_at,omitempty"`
	ExpiresAt  *time.Time `json:"expires_at,omitempty"`
	RevokedAt  *time.Time `json:"revoked_at,omitempty"`
}

// Rate is a limit of a key's own, or of all keys or people of an organization;
// zero changes nothing.
type Rate struct {
	// PerMinute is how many requests are allowed in the long run, PerSecond how
	// many at once: a tenth of PerMinute where it is 0.
	PerMinute int `json:"per_minute"`
	PerSecond int `json:"per_second"`
}

// limit is the rate as it is enforced.
func (r Rate) limit() Limit {
	if r.PerMinute == 0 {
		return Limit{}
	}
	if r.PerSecond == 0 {
		r.PerSecond = max(r.PerMinute/10, 1)
	}
	return Limit{PerMinute: r.PerMinute, Burst: r.PerSecond}
}

// check names what is wrong below a field.
func (r Rate) check(field string) error {
	if r == (Rate{}) {
		return nil
	}
	if r.PerMinute < 1 || r.PerMinute > MaxLimit {
		return Invalid(field+".per_minute", "must be 1 to %d", MaxLimit)
	}
	if r.PerSecond < 0 || r.PerSecond > MaxLimit {
		return Invalid(field+".per_second", "must be 0 (a tenth of per_minute) to %d", MaxLimit)
	}
	return nil
}

// rateDefault is a rate that changes nothing, as people write it.
const rateDefault = "default"

// String returns the rate as [ParseRate] reads it.
func (r Rate) String() string {
	if r == (Rate{}) {
		return rateDefault
	}
	return r.limit().String()
}

// ParseRate reads a rate as people write it: requests a minute, a slash and
// requests at once, like `6000/200`; or `default`, which changes nothing. There
// is no `off`: a rate is in place of a setting, and bounds.
func ParseRate(text string) (Rate, error) {
	if text == rateDefault {
		return Rate{}, nil
	}
	limit, err := ParseLimit(text)
	if err != nil || limit.IsZero() {
		return Rate{}, fmt.Errorf("must be requests a minute and at once, each 1 to %d, like 6000/200, or %s", MaxLimit, rateDefault)
	}
	return Rate{PerMinute: limit.PerMinute, PerSecond: limit.Burst}, nil
}
