package coretest

import (
	"context"
	"sync/atomic"

	"github.com/eventflow-go/eventflow/core"
)

// Badge is a credential of a principal that can be revoked.
type Badge struct {
	Who core.Principal
	// Asked is how often it was looked at.
	Asked   atomic.Int64
	Revoked atomic.Bool
}

// Worn returns the principal who makes requests that last with the badge.
func (b *Badge) Worn() core.Principal {
	who := b.Who
	who.Credential = b
	return who
}

// Bearer implements [core.Credential].
func (b *Badge) Bearer(context.Context) (core.Principal, error) {
	b.Asked.Add(1)
	if b.Revoked.Load() {
		return core.Principal{}, core.Errorf(core.CodeUnauthorized, "revoked")
	}
	return b.Who, nil
}
