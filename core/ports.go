package core

import (
	"context"
	"time"
)

// TokenIssuer makes and checks access tokens.
type TokenIssuer interface {
	// Issue signs claims.
	Issue(claims Claims) (string, error)
	// Verify returns the claims of a token that was issued with the same keys and
	// has not expired. Any other token is an error.
	Verify(token string, now time.Time) (Claims, error)
}

// PasswordHasher hashes passwords, slowly on purpose.
type PasswordHasher interface {
	// Hash returns a text that holds the hash, its salt and its costs, so that Match
	// needs nothing else when the costs are raised. If like is not "", it is such a
	// text, and the new one has its salt and costs: of one password the two are
	// equal. Hash may wait its turn, because each hash takes much memory.
	Hash(ctx context.Context, password, like string) (string, error)
	// Match returns which of the hashes are the password's, in their order. An empty
	// hash is nobody's. Hashes of one salt are computed once, and no hash at all takes
	// as long as one, so that the time does not tell how many there are.
	Match(ctx context.Context, hashes []string, password string) ([]bool, error)
}

// Mailer sends links to people.
type Mailer interface {
	// Send hands over a message of plain text. It does not wait until the message is
	// sent, because how long that takes would tell whether there is a recipient.
	Send(ctx context.Context, to, subject, text string) error
}

// Notifier tells other nodes that streams have grown. The news is a hint: it may be
// lost, repeated or late, which costs time and nothing else.
type Notifier interface {
	// Notify tells the other nodes that these streams have grown.
	Notify(ctx context.Context, streams []ID) error
	// Listen calls heard with each stream that another node tells of, from one
	// goroutine, until ctx ends. It reconnects by itself.
	Listen(ctx context.Context, heard func(stream ID))
}

// SchemaCompiler turns JSON Schema documents into validators.
type SchemaCompiler interface {
	// Compile returns a validator, or a [CodeValidation] error whose details
	// name the place of the fault in the document. It never opens a file or a
	// connection: a reference that leaves the document is a fault. So is a schema
	// that would take too much memory or time, here or on a single value.
	Compile(schema []byte) (Schema, error)
	// Reopen is Compile for a schema that is stored already. It takes those that an
	// earlier version took, as long as they can be compiled at all: their budget
	// bounds what they cost.
	Reopen(schema []byte) (Schema, error)
}

// Schema validates payloads.
type Schema interface {
	// Validate returns nil, or a [CodeSchemaMismatch] error whose details name
	// places of the payload that do not fit, below `payload`. It spends from the
	// budget as it works. A payload that takes more is a [CodeSchemaMismatch] too,
	// as it would be everywhere and always; what else ends a budget is returned as
	// it is.
	Validate(payload []byte, budget *Budget) error
}

// Authorizer decides what a principal may do.
type Authorizer interface {
	// Allow returns nil when a principal may act in an organization. An organization
	// that is not its own is [CodeNotFound]. An action that its role does not permit,
	// or not to its [Bearer], is a [CodeForbidden] error that names the missing
	// permission. Allow does not look at a single stream: core checks that itself
	// ([Narrowed]).
	Allow(who Principal, org ID, action Action) error
}

// RateLimiter counts what is done by keys, each of which has a bucket of
// permits as [Limit] describes it. The suite in core/limitertest is this
// contract in executable form.
type RateLimiter interface {
	// Take takes n permits from a key's bucket, all or none, and says what is
	// left. With an n of zero it takes none and says the same. Keys are independent
	// of each other. A key whose limit changes keeps its bucket, cut down to the
	// permits that the new limit has.
	//
	// now is the caller's clock. A limiter that several nodes share counts by a clock
	// of its own. It may let a node take some permits in advance, and its
	// documentation says how many. The limit itself holds over all nodes.
	//
	// Take answers within a fraction of a second, whatever state the counters' home
	// is in. Its only errors are for an n or a limit that makes no sense.
	Take(ctx context.Context, key string, limit Limit, n int, now time.Time) (LimitState, error)
}
