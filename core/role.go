package core

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

// Roles lists every role.
var Roles = []Role{RoleAdmin, RoleDeveloper, RoleViewer, RoleProducer, RoleConsumer}

// Action names one thing a principal can do; policies/ grants them to roles.
type Action string

// The actions there are.
const (
	ActionIngest       Action = "events:ingest"
	ActionReadEvents   Action = "events:read"
	ActionExportEvents Action = "events:export"
	ActionReadStreams  Action = "streams:read"
	ActionWriteStreams Action = "streams:write"
	// ActionWriteSchemas covers schemas and what did not fit them.
	ActionWriteSchemas    Action = "schemas:write"
	ActionConsume         Action = "events:consume"
	ActionReadGroups      Action = "groups:read"
	ActionWriteGroups     Action = "groups:write"
	ActionReadLetters     Action = "deadletters:read"
	ActionWriteLetters    Action = "deadletters:write"
	ActionReadProcessors  Action = "processors:read"
	ActionWriteProcessors Action = "processors:write"
	ActionReadDeliveries  Action = "deliveries:read"
	ActionReadKeys        Action = "keys:read"
	ActionReadSources     Action = "sources:read"
	ActionWriteSources    Action = "sources:write"
	// ActionWriteKeys covers a principal's own API keys and service tokens. Together
	// with ActionManageKeys it covers all.
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
	ActionIngest, ActionReadEvents, ActionExportEvents, ActionReadStreams, ActionWriteStreams, ActionWriteSchemas,
	ActionConsume, ActionReadGroups, ActionWriteGroups, ActionReadLetters, ActionWriteLetters,
	ActionReadProcessors, ActionWriteProcessors, ActionReadDeliveries,
	ActionReadSources, ActionWriteSources,
	ActionReadKeys, ActionWriteKeys, ActionManageKeys, ActionReadUsers, ActionWriteUsers,
	ActionReadOrganization, ActionWriteOrganization, ActionCreateOrganizations, ActionReadAudit,
}
