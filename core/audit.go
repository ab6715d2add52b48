package core

import (
	"context"
	"unicode/utf8"
)

// AuditAction names what happened, as the event type of an audit record.
type AuditAction string

// What is recorded.
const (
	AuditLogin               AuditAction = "login.succeeded"
	AuditLoginFailed         AuditAction = "login.failed"
	AuditLogout              AuditAction = "logout"
	AuditRefreshReused       AuditAction = "session.reused"
	AuditSessionEnded        AuditAction = "session.ended"
	AuditSwitched            AuditAction = "session.switched"
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
	AuditKeyHandedOver       AuditAction = "key.handed_over"
	AuditStreamCreated       AuditAction = "stream.created"
	AuditStreamChanged       AuditAction = "stream.changed"
	AuditStreamDeleted       AuditAction = "stream.deleted"
	AuditStreamMoved         AuditAction = "stream.moved"
	AuditSchemaRegistered    AuditAction = "schema.registered"
	AuditQuarantineIngested  AuditAction = "quarantine.ingested"
	AuditQuarantineDiscarded AuditAction = "quarantine.discarded"
	AuditGroupCreated        AuditAction = "group.created"
	AuditGroupChanged        AuditAction = "group.changed"
	AuditGroupDeleted        AuditAction = "group.deleted"
	AuditGroupReset          AuditAction = "group.reset"
	AuditProcessorCreated    AuditAction = "processor.created"
	AuditProcessorChanged    AuditAction = "processor.changed"
	AuditProcessorDeleted    AuditAction = "processor.deleted"
	AuditProcessorPaused     AuditAction = "processor.paused"
	AuditProcessorResumed    AuditAction = "processor.resumed"
	AuditProcessorDisabled   AuditAction = "processor.disabled"
	AuditSecretRotated       AuditAction = "processor.secret_rotated"
	AuditDeliveryResent      AuditAction = "delivery.resent"
	AuditLettersReplayed     AuditAction = "deadletters.replayed"
	AuditReplayStopped       AuditAction = "replay.stopped"
	AuditLetterDiscarded     AuditAction = "deadletter.discarded"
	AuditSourceCreated       AuditAction = "source.created"
	AuditSourceChanged       AuditAction = "source.changed"
	AuditSourceRotated       AuditAction = "source.rotated"
	AuditSourceDeleted       AuditAction = "source.deleted"
	AuditExported            AuditAction = "events.exported"
	AuditBackedUp            AuditAction = "installation.backed_up"
	AuditRefused             AuditAction = "request.refused"
)

// AuditActions lists all that is recorded.
var AuditActions = []AuditAction{
	AuditLogin, AuditLoginFailed, AuditLogout, AuditRefreshReused, AuditSessionEnded, AuditSwitched, AuditPasswordChanged,
	AuditPasswordForgotten, AuditPasswordReset, AuditUserCreated, AuditUserInvited, AuditUserChanged, AuditUserRemoved, AuditOrganizationChanged,
	AuditOrganizationCreated, AuditSetupLinkCreated, AuditKeyCreated, AuditKeyRotated, AuditKeyRevoked, AuditKeyHandedOver, AuditStreamCreated,
	AuditStreamChanged, AuditStreamDeleted, AuditStreamMoved, AuditSchemaRegistered, AuditQuarantineIngested, AuditQuarantineDiscarded,
	AuditGroupCreated, AuditGroupChanged, AuditGroupDeleted,
	AuditGroupReset, AuditProcessorCreated, AuditProcessorChanged, AuditProcessorDeleted, AuditProcessorPaused, AuditProcessorResumed,
	AuditProcessorDisabled, AuditSecretRotated, AuditDeliveryResent, AuditLettersReplayed, AuditReplayStopped, AuditLetterDiscarded,
	AuditSourceCreated, AuditSourceChanged, AuditSourceRotated, AuditSourceDeleted, AuditExported, AuditBackedUp, AuditRefused,
}

// AuditRecord is something that somebody did.
type AuditRecord struct {
	// Who did it, and from where.
	Who    Principal
	Action AuditAction
	// Kind and Target name the thing that it was done to, such as `user` and an id.
	Kind, Target string
	// Details says more when there is more to say. It never holds a secret.
	Details map[string]string
}

// Clipped returns the record with its texts cut to what is kept of them.
func (r AuditRecord) Clipped() AuditRecord {
	r.Target, r.Who.Label = clip(r.Target), clip(r.Who.Label)
	r.Who.From.Address, r.Who.From.RequestID = clip(r.Who.From.Address), clip(r.Who.From.RequestID)
	if len(r.Details) > 0 {
		details := make(map[string]string, len(r.Details))
		for name, text := range r.Details {
			details[name] = clip(text)
		}
		r.Details = details
	}
	return r
}

// maxAuditText bounds each text of a record, in bytes: a record stays for ever, and
// clients choose some of its texts.
const maxAuditText = 256

// clip cuts a text to what is kept of it, between two characters.
func clip(text string) string {
	if len(text) <= maxAuditText {
		return text
	}
	most := maxAuditText
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// Did returns the record that a principal did something to a thing, named by its
// kind and id. A zero id stands for no single thing.
func (p Principal) Did(action AuditAction, kind string, id ID) AuditRecord {
	record := AuditRecord{Who: p, Action: action, Kind: kind}
	if !id.IsZero() {
		record.Target = id.String()
	}
	return record
}

// Recorder takes in what belongs in the audit trail, once it has happened. The use
// cases call it, so whoever calls them keeps the trail without knowing of it. A nil
// Recorder forgets everything.
type Recorder func(ctx context.Context, record AuditRecord)

// Record hands over what happened.
func (r Recorder) Record(ctx context.Context, record AuditRecord) {
	if r != nil {
		r(ctx, record)
	}
}

// AuditEntry is the payload of an audit event. Each one carries the hash of the one
// before. So nobody, not even with access to the store, can change, remove or
// reorder one unnoticed.
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
