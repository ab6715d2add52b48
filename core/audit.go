package core

// AuditAction names what happened, as the event type of an audit record.
type AuditAction string

// What is recorded.
const (
	AuditLogin               AuditAction = "login.succeeded"
	AuditLoginFailed         AuditAction = "login.failed"
	AuditLogout              AuditAction = "logout"
	AuditRefreshReused       AuditAction = "session.reused"
	AuditSessionEnded        AuditAction = "session.ended"
	AuditPasswordChanged     AuditAction = "password.changed"
	AuditPasswordForgotten   AuditAction = "password.forgotten"
	AuditPasswordReset       AuditAction = "password.reset"
	AuditUserCreated         AuditAction = "user.created"
	AuditUserInvited         AuditAction = "user.invited"
	AuditUserChanged         AuditAction = "user.changed"
	AuditUserRemoved         AuditAction = "user.removed"
	AuditOrganizationChanged AuditAction = "organization.changed"
	AuditOrganizationCreated AuditAction = "organization.created"
	AuditSetupLinkCreated    AuditAction = "setuplink.created"
	AuditKeyCreated          AuditAction = "key.created"
	AuditKeyRotated          AuditAction = "key.rotated"
	AuditKeyRevoked          AuditAction = "key.revoked"
	AuditStreamCreated       AuditAction = "stream.created"
	AuditStreamChanged       AuditAction = "stream.changed"
	AuditStreamDeleted       AuditAction = "stream.deleted"
	AuditGroupCreated        AuditAction = "group.created"
	AuditGroupChanged        AuditAction = "group.changed"
	AuditGroupDeleted        AuditAction = "group.deleted"
	AuditGroupReset          AuditAction = "group.reset"
	AuditLettersReplayed     AuditAction = "deadletters.replayed"
	AuditLetterDiscarded     AuditAction = "deadletter.discarded"
	AuditExported            AuditAction = "events.exported"
	AuditRefused             AuditAction = "request.refused"
)

// AuditActions lists all that is recorded.
var AuditActions = []AuditAction{
	AuditLogin, AuditLoginFailed, AuditLogout, AuditRefreshReused, AuditSessionEnded, AuditPasswordChanged, AuditPasswordForgotten,
	AuditPasswordReset, AuditUserCreated, AuditUserInvited, AuditUserChanged, AuditUserRemoved, AuditOrganizationChanged,
	AuditOrganizationCreated, AuditSetupLinkCreated, AuditKeyCreated, AuditKeyRotated, AuditKeyRevoked, AuditStreamCreated,
	AuditStreamChanged, AuditStreamDeleted, AuditGroupCreated, AuditGroupChanged, AuditGroupDeleted,
	AuditGroupReset, AuditLettersReplayed, AuditLetterDiscarded, AuditExported, AuditRefused,
}

// AuditRecord is something that somebody did.
type AuditRecord struct {
	Who    Principal
	Action AuditAction
	// Kind and Target say what it was done to: a `user`, a `stream`, and which.
	Kind, Target string
	From         Visitor
	// Details says more, where there is more to say. It never holds a secret.
	Details map[string]string
}

// AuditEntry is the payload of an audit event. Each carries the hash of the one
// before, so that nobody who can write to the store changes, removes or
// reorders one unnoticed.
type AuditEntry struct {
	Actor     AuditActor        `json:"actor"`
	Target    AuditTarget       `json:"target"`
	Address   string            `json:"address,omitempty"`
	UserAgent string            `json:"user_agent,omitempty"`
	RequestID string            `json:"request_id,omitempty"`
	Details   map[string]string `json:"details,omitempty"`
	// Sequence counts the organization's records from 0, Previous is the hash of
	// the one before, in hex: 64 zeros for the first.
	Sequence int64  `json:"sequence"`
	Previous string `json:"previous"`
}

// AuditActor is who did something.
type AuditActor struct {
	User  ID     `json:"user_id,omitzero"`
	Key   ID     `json:"key_id,omitzero"`
	Label string `json:"label"`
	Role  Role   `json:"role"`
}

// AuditTarget is what something was done to.
type AuditTarget struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}
