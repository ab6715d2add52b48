package core

import "time"

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
	ActionReadAudit         Action = "audit:read"
)

// Actions lists every action, for the tests and tables that must cover all.
var Actions = []Action{
	ActionIngest, ActionReadEvents, ActionExportEvents, ActionReadStreams, ActionWriteStreams,
	ActionConsume, ActionReadGroups, ActionWriteGroups, ActionReadLetters, ActionWriteLetters,
	ActionReadKeys, ActionWriteKeys, ActionManageKeys, ActionReadUsers, ActionWriteUsers,
	ActionReadOrganization, ActionWriteOrganization, ActionReadAudit,
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

// APIKey is a producer's credential. The secret itself is kept nowhere.
type APIKey struct {
	ID          ID          `json:"id"`
	Org         ID          `json:"-"`
	Label       string      `json:"label"`
	Environment Environment `json:"environment"`
	Role        Role        `json:"role"`
	// Streams narrows the key to these streams; empty is all.
	Streams []ID `json:"streams,omitempty"`
	// Masked is what people may see of the secret: `ef_live_…ab12`.
	Masked    string     `json:"masked"`
	Hash      KeyHash    `json:"-"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
}
