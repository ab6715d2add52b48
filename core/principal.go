package core

import (
	"context"
	"slices"
)

// Principal is who makes a request.
type Principal struct {
	Org ID
	// Key is the API key or service token that was presented. User is the person
	// who signed in. One of the two is set.
	Key  ID
	User ID
	// Session is the sign-in that a user's request belongs to.
	Session ID
	Label   string
	Role    Role
	// Streams narrows the principal to these streams; empty is all of the
	// organization's.
	Streams []ID
	// DefaultStream takes the principal's events that name no stream; zero is none.
	DefaultStream ID
	// Limit bounds the principal's requests in place of the limit of its kind; zero
	// leaves that in place.
	Limit Limit
	// Makers are the keys that the principal's key descends from, the nearest first.
	// What the principal does counts in the rate of each of them as well.
	Makers []Maker
	// From is where the request comes from, for the audit trail. It is empty when the
	// request is of a kind that is never recorded, as ingesting and consuming are.
	From Visitor
	// Credential is what a request was made with that lasts, and may outlive its
	// permission. It is nil where a request does not last.
	Credential Credential
}

// Credential says again and again who makes the requests that were made with it. Equal
// ones are one credential: many requests that wait are looked at together where they
// have the same. So its values are comparable.
type Credential interface {
	// Bearer says who presents the credential now, or why nobody can any more.
	Bearer(ctx context.Context) (Principal, error)
}

// Maker is a key that has made another one, with its own limit as [Principal] has it.
type Maker struct {
	Key   ID
	Limit Limit
}

// Bearer is what somebody who makes requests is. Policies say of each permission what
// somebody has to be at least to have it.
type Bearer uint8

// The kinds of bearers. Each may whatever the ones before it may.
const (
	// BearerNarrowed is a key that is narrowed to streams. It has no business outside
	// of them.
	BearerNarrowed Bearer = iota
	// BearerKey is a key for all streams.
	BearerKey
	// BearerPerson has signed in, or operates the server.
	BearerPerson
)

// Bearers lists every kind.
var Bearers = []Bearer{BearerNarrowed, BearerKey, BearerPerson}

// String returns the kind as the policies call it.
func (b Bearer) String() string {
	switch b {
	case BearerNarrowed:
		return "narrowed"
	case BearerKey:
		return "key"
	}
	return "person"
}

// Bearer says what the principal is.
func (p Principal) Bearer() Bearer {
	switch {
	case len(p.Streams) > 0:
		return BearerNarrowed
	case !p.Key.IsZero():
		return BearerKey
	}
	return BearerPerson
}

// Creator is the CreatedBy of the keys that a principal makes.
func (p Principal) Creator() ID {
	if !p.User.IsZero() {
		return p.User
	}
	return p.Key
}

// Authorize refuses what a principal may not do and, when the action is about a
// stream, a stream that the principal is not narrowed to. Zero is no stream.
func Authorize(authorizer Authorizer, who Principal, action Action, stream ID) error {
	if err := authorizer.Allow(who, who.Org, action); err != nil {
		return err
	}
	return Narrowed(who, stream)
}

// ErrNoStream answers for a stream that does not exist as far as the principal can
// tell.
var ErrNoStream = Errorf(CodeNotFound, "there is no such stream")

// Narrowed answers [ErrNoStream] when the principal is narrowed to other streams. It
// is the answer of a catalog to a name that is free: another one would tell which
// streams there are.
func Narrowed(who Principal, stream ID) error {
	if len(who.Streams) > 0 && !stream.IsZero() && !slices.Contains(who.Streams, stream) {
		return ErrNoStream
	}
	return nil
}

// At returns the principal as the one who makes a request from somewhere.
func (p Principal) At(from Visitor) Principal {
	p.From = from
	return p
}

// Now returns who makes a request now, or why nobody does any more: the key was
// revoked, the person has signed out. Whatever lasts asks it, and the authorizer with
// the answer, each time before it hands something out, and every second while there is
// nothing to hand out.
func (p Principal) Now(ctx context.Context) (Principal, error) {
	if p.Credential == nil {
		return p, nil
	}
	now, err := p.Credential.Bearer(ctx)
	if err != nil {
		return Principal{}, err
	}
	now.Credential, now.From = p.Credential, p.From
	return now, nil
}
