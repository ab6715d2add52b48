package core

import (
	"context"
	"time"
)

// Catalog keeps everything small that people configure. It may live in another
// database than the log. The suite in core/catalogtest is this contract in
// executable form, and core/grouptest does the same for [GroupStore].
//
// Times come back in UTC with microseconds. Two things with one id, or two keys with
// one hash, are an error. So is every call after Close.
type Catalog interface {
	Tenants
	StreamStore
	Credentials
	People
	Traffic
	// Check returns nil when the catalog answers. It wraps [ErrRelaxedDurability]
	// and [ErrDegraded] as that of a [Storage] does.
	Check(ctx context.Context) error
	Close() error
}

// Traffic keeps what takes events out of the streams, and what brings them in.
type Traffic interface {
	GroupStore
	ProcessorStore
	Sources
}

// StreamStore keeps streams, what their events look like, and how far the log has come.
type StreamStore interface {
	StreamCatalog
	StreamPlaces
	SchemaStore
	Extents
	Segments
}

// Tenants keeps the organizations and counts what they have.
type Tenants interface {
	Organizations
	Holdings
}

// Organizations are the tenants.
type Organizations interface {
	OrganizationReader
	OrganizationWriter
}

// OrganizationReader finds organizations.
type OrganizationReader interface {
	// OldestOrganization returns the organization that was made first, or
	// [CodeNotFound].
	OldestOrganization(ctx context.Context) (Organization, error)
	// Organization returns one by id, or [CodeNotFound].
	Organization(ctx context.Context, id ID) (Organization, error)
	// OrganizationsNamed returns the organizations of a name, oldest first: by
	// CreatedAt, and organizations of one time by id.
	OrganizationsNamed(ctx context.Context, name string) ([]Organization, error)
	// Organizations returns at most limit organizations with an id greater than
	// after, by id.
	Organizations(ctx context.Context, after ID, limit int) ([]Organization, error)
}

// OrganizationWriter makes organizations and changes them.
type OrganizationWriter interface {
	// CreateOrganization stores a new organization. Others may have its name.
	CreateOrganization(ctx context.Context, org Organization) error
	// EnsureOrganization returns the oldest organization of that name and makes it
	// first when there is none. Two processes that call it at once get the same
	// one.
	EnsureOrganization(ctx context.Context, org Organization) (Organization, error)
	// UpdateOrganization changes the name and nothing else, or answers
	// [CodeNotFound].
	UpdateOrganization(ctx context.Context, org Organization) error
	// LimitOrganization changes the rates and shares and nothing else, or answers
	// [CodeNotFound].
	LimitOrganization(ctx context.Context, org Organization) error
}

// Holdings counts what organizations have.
type Holdings interface {
	// Held returns how many streams, groups, people, sources, keys that are not revoked,
	// replays that run, and events in quarantine an organization has. The other fields
	// are 0.
	Held(ctx context.Context, org ID) (Shares, error)
}

// StreamCatalog keeps the streams' definitions. Every method but AllStreams and NoteRemoval
// answers [CodeNotFound] for a stream of another organization or a deleted one.
type StreamCatalog interface {
	// CreateStream stores a new stream. A live stream of the same name in the
	// organization is a [CodeConflict].
	CreateStream(ctx context.Context, stream Stream) error
	// Stream returns a stream by id.
	Stream(ctx context.Context, org, id ID) (Stream, error)
	// StreamNamed returns a stream by name.
	StreamNamed(ctx context.Context, org ID, name string) (Stream, error)
	// Streams returns at most limit streams with a name greater than after, by
	// name in byte order.
	Streams(ctx context.Context, org ID, after string, limit int) ([]Stream, error)
	// AllStreams returns at most limit streams of all organizations, deleted ones
	// included, with an id greater than after, by id.
	AllStreams(ctx context.Context, after ID, limit int) ([]Stream, error)
	// UpdateStream replaces the stream whose stored Revision is one less than the
	// given one. Another stored Revision is a [CodePreconditionFailed]. That is
	// checked first; a taken name is a [CodeConflict]. A stream with DeletedAt set is
	// gone for every other method but AllStreams, and its name is free.
	// It leaves LastRemoval and Reported as they are stored.
	UpdateStream(ctx context.Context, stream Stream) error
	// NoteRemoval replaces the LastRemoval of a stream, deleted or not, and nothing
	// else: the revision stays. A stream that is not there is no error.
	NoteRemoval(ctx context.Context, id ID, removal Removal) error
}

// Credentials keeps API keys and service tokens.
type Credentials interface {
	KeyReader
	KeyWriter
}

// KeyReader finds keys.
type KeyReader interface {
	// KeyByHash returns the key whose Hash or PreviousHash this is, revoked or
	// not, or [CodeNotFound].
	KeyByHash(ctx context.Context, hash KeyHash) (APIKey, error)
	// Key returns a key by id, or [CodeNotFound].
	Key(ctx context.Context, org, id ID) (APIKey, error)
	// Keys returns the organization's keys within a scan, newest first: by
	// CreatedAt, and keys of one time by id.
	Keys(ctx context.Context, org ID, scan KeyScan) ([]APIKey, error)
}

// KeyWriter makes keys and changes them.
type KeyWriter interface {
	// CreateKey stores a new key.
	CreateKey(ctx context.Context, key APIKey) error
	// RotateKey stores the Masked, Hash, PreviousHash, PreviousValidUntil and
	// RotatedAt of a key. The stored Hash must be the given PreviousHash, and the key
	// must not be revoked: otherwise it is a [CodePreconditionFailed]. No such key is
	// [CodeNotFound].
	RotateKey(ctx context.Context, key APIKey) error
	// RevokeKey sets RevokedAt unless it is set. A key of another organization is
	// [CodeNotFound].
	RevokeKey(ctx context.Context, org, id ID, at time.Time) error
	// HandOverKey sets CreatedBy. A key of another organization is [CodeNotFound].
	HandOverKey(ctx context.Context, org, id, to ID) error
	// TouchKeys notes when keys of any organization were used. A stored time that is
	// later stays. Keys that do not exist are passed over.
	TouchKeys(ctx context.Context, used map[ID]time.Time) error
}

// KeyScan says which keys to read. Zero fields select all.
type KeyScan struct {
	Kind      KeyKind
	CreatedBy ID
	// After is the last key of the page before.
	After KeyPlace
	// Limit bounds the keys returned; 0 does not.
	Limit int
}

// KeyPlace is a key's place in the list of its organization.
type KeyPlace struct {
	CreatedAt time.Time
	ID        ID
}

// People keeps users, their sign-ins and the links that they are given.
type People interface {
	Users
	Sessions
	Tickets
}

// Users keeps the people of all organizations. Addresses are compared byte by
// byte: core has put them in lower case. An address is one user's in each
// organization; nothing that is done in one organization tells whether another one
// has it.
type Users interface {
	UserReader
	UserWriter
}

// UserReader finds users.
type UserReader interface {
	// User returns a user of an organization, or [CodeNotFound].
	User(ctx context.Context, org, id ID) (User, error)
	// UsersByEmail returns the users with an address, of all organizations, oldest
	// first: by CreatedAt, and users of one time by id.
	UsersByEmail(ctx context.Context, email string) ([]User, error)
	// Users returns at most limit users of an organization with an address
	// greater than after, by address in byte order.
	Users(ctx context.Context, org ID, after string, limit int) ([]User, error)
}

// UserWriter makes users and changes them.
type UserWriter interface {
	// CreateUser stores a new user. An address that the organization has is a
	// [CodeConflict].
	CreateUser(ctx context.Context, user User) error
	// UpdateUser replaces the user whose stored Revision is one less than the given
	// one; CreatedAt, LastLoginAt and SignedOutAt stay. Another stored Revision is a
	// [CodePreconditionFailed]. That is checked first; an address that another user
	// of the organization has is a [CodeConflict]. No such user in the organization
	// is [CodeNotFound]. The last active admin of an organization stays one: the
	// change is [ErrLastAdmin], and of several that are made at once, too.
	UpdateUser(ctx context.Context, user User) error
	// SetPassword gives the users of an address, in all organizations, another
	// PasswordHash: those who have the hash from or, if that is "", all who have one.
	// It sets their UpdatedAt and raises their Revision by one, and changes nobody
	// else. Without such a user it answers [CodePreconditionFailed].
	SetPassword(ctx context.Context, email, from, hash string, at time.Time) error
	// DeleteUser removes a user with all sessions and tickets, and the user has none
	// from then on. No such user is [CodeNotFound], and the last active admin is
	// [ErrLastAdmin].
	DeleteUser(ctx context.Context, org, id ID) error
	// TouchUser notes when a user signed in. That is no change of the user, so the
	// Revision stays. Without such a user it does nothing.
	TouchUser(ctx context.Context, org, id ID, at time.Time) error
	// SignOutUser ends all sessions of a user and sets SignedOutAt, as a whole. That
	// is no change of the user, so the Revision stays. Without such a user in the
	// organization it does nothing.
	SignOutUser(ctx context.Context, org, id ID, at time.Time) error
}

// Sessions keeps the sign-ins.
type Sessions interface {
	SessionReader
	SessionWriter
}

// SessionReader finds sessions.
type SessionReader interface {
	// Session returns a session, revoked or not, or [CodeNotFound].
	Session(ctx context.Context, id ID) (Session, error)
	// LiveSessions returns the sessions of a user that are good at a time, newest
	// first, up to [MaxPageSize].
	LiveSessions(ctx context.Context, user ID, at time.Time) ([]Session, error)
}

// SessionWriter begins sessions and ends them.
type SessionWriter interface {
	// CreateSession stores a new session.
	CreateSession(ctx context.Context, session Session) error
	// RotateSession raises the generation of a session and sets RotatedAt. The session
	// must be at generation from and not revoked: otherwise it is a
	// [CodePreconditionFailed].
	RotateSession(ctx context.Context, id ID, from int64, at time.Time) error
	// MoveSession rotates a session as RotateSession does and makes it another
	// user's. That user must be active, and the session must have been created after
	// the user's SignedOutAt: otherwise it is [CodeNotFound]. No SignOutUser, change
	// or deletion of that user comes between the look and the move.
	MoveSession(ctx context.Context, id ID, from int64, org, user ID, at time.Time) error
	// RevokeSession ends a session. Ending one that has ended, or does not exist, does
	// nothing.
	RevokeSession(ctx context.Context, id ID, at time.Time) error
	// RevokeSessions ends all sessions of a user but one, which may be zero.
	RevokeSessions(ctx context.Context, user, except ID, at time.Time) error
	// ForgetSessions removes the sessions and tickets that expired before a time.
	ForgetSessions(ctx context.Context, before time.Time) error
}

// Tickets keeps rights that are used once.
type Tickets interface {
	// CreateTicket stores a new ticket. Older ones of the same kind for the same
	// user and organization are void from then on.
	CreateTicket(ctx context.Context, ticket Ticket) error
	// Ticket returns the ticket that UseTicket would use, and leaves it as it is. Any
	// other is [CodeNotFound].
	Ticket(ctx context.Context, kind TicketKind, hash KeyHash, at time.Time) (Ticket, error)
	// UseTicket marks the ticket with this hash as used and returns it. Of many calls
	// at once, one succeeds. A ticket that is unknown, void, used, expired or of
	// another kind is [CodeNotFound], and is not used up. At ExpiresAt a ticket has
	// expired.
	UseTicket(ctx context.Context, kind TicketKind, hash KeyHash, at time.Time) (Ticket, error)
	// ReturnTicket makes a used ticket good again, as it was before. Returning one that
	// is void or not used does nothing.
	ReturnTicket(ctx context.Context, id ID) error
	// VoidTickets makes all tickets of a kind void that a user has.
	VoidTickets(ctx context.Context, kind TicketKind, user ID) error
}

// GroupStore keeps consumer groups: what they are, how far they got and what they
// could not process. The rules of delivery are in core/deliver. A store only
// compares a revision and replaces a document.
type GroupStore interface {
	Groups
	Progresses
	DeadLetters
	Replays
}

// GroupScan says which groups to read. Zero fields select all.
type GroupScan struct {
	Org     ID
	Streams []ID
	// After leaves out this id and all before it.
	After ID
	// Limit bounds the groups returned; it is at least 1.
	Limit int
}

// Groups keeps the groups' definitions.
type Groups interface {
	// CreateGroup stores a new group at its first progress. A group of the same
	// name on the stream is a [CodeConflict].
	CreateGroup(ctx context.Context, group Group, first Progress) error
	// Groups returns the groups of a stream, by name in byte order.
	Groups(ctx context.Context, stream ID) ([]Group, error)
	// AllGroups returns the groups within a scan, by id, each with its progress.
	AllGroups(ctx context.Context, scan GroupScan) ([]GroupRecord, error)
	// UpdateGroup replaces the group whose stored Revision is one less than the given
	// one; Mode, OrderingKey, Processor and CreatedAt stay. Another stored Revision is a
	// [CodePreconditionFailed]; no such group is [CodeNotFound].
	UpdateGroup(ctx context.Context, group Group) error
	// DeleteGroup removes the group with its progress, attempts and dead
	// letters; no such group is [CodeNotFound].
	DeleteGroup(ctx context.Context, stream, id ID) error
}

// Progresses keeps how far the groups got.
type Progresses interface {
	// Progress returns a group's progress, or [CodeNotFound].
	Progress(ctx context.Context, group ID) (Progress, error)
	// Advance makes a step, durably and as a whole. When the stored Revision is
	// not one less than the step's, nothing changes and the error is
	// [CodePreconditionFailed]; no such group is [CodeNotFound]. After any other
	// error the step may or may not have been made, and the caller has to look.
	Advance(ctx context.Context, group ID, step Step) error
	// Attempts returns the remembered attempts that cover an offset, oldest
	// first.
	Attempts(ctx context.Context, group ID, offset Offset) ([]Attempt, error)
	// ForgetAttempts removes the attempts of all groups made before a time.
	ForgetAttempts(ctx context.Context, before time.Time) error
}

// DeadLetters reads the dead letters. They change by a [Step] only. The letters of a
// deleted stream are gone for every method, whatever becomes of them inside.
type DeadLetters interface {
	// DeadLetters returns letters of an organization by id, within the scan.
	DeadLetters(ctx context.Context, org ID, scan LetterScan) ([]DeadLetter, error)
	// DeadLetter returns one, or [CodeNotFound].
	DeadLetter(ctx context.Context, org, id ID) (DeadLetter, error)
	// CountDeadLetters counts the letters of a scan by stream, group and reason,
	// the most first; Limit bounds the counts.
	CountDeadLetters(ctx context.Context, org ID, scan LetterScan) ([]LetterCount, error)
}

// Replays keeps the replays of dead letters.
type Replays interface {
	// CreateReplay stores a new replay.
	CreateReplay(ctx context.Context, replay Replay) error
	// Replay returns one, or [CodeNotFound].
	Replay(ctx context.Context, org, id ID) (Replay, error)
	// UpdateReplay replaces the replay whose stored Revision is one less than the
	// given one. Another stored Revision is a [CodePreconditionFailed].
	UpdateReplay(ctx context.Context, replay Replay) error
	// Replays returns replays of an organization within a scan, newest first.
	Replays(ctx context.Context, org ID, scan ReplayScan) ([]Replay, error)
	// RunningReplays returns running replays of all organizations with an id greater
	// than after, by id.
	RunningReplays(ctx context.Context, after ID, limit int) ([]Replay, error)
	// DueReplays returns one replay of each organization that has any that are running
	// and that nobody holds at a time: the one with the earliest HeldUntil, and of
	// those the oldest. They come by HeldUntil, too.
	DueReplays(ctx context.Context, at time.Time, limit int) ([]Replay, error)
}

// ProcessorStore keeps processors and what they did. A processor's group and progress
// are in the [GroupStore] under the same id. The suite in core/catalogtest is this
// contract in executable form.
type ProcessorStore interface {
	Processors
	DeliveryLog
}

// SchemaStore keeps the schemas of types of events, and the events that did not fit.
type SchemaStore interface {
	SchemaVersions
	Quarantine
}
