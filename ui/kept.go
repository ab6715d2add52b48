package ui

import (
	"encoding/json"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// meKey is the name under which the browser keeps who was signed in.
const meKey = "eventflow me"

// remember keeps who is signed in, for a start without a server. No credential is kept.
func remember(ctx app.Context, me rest.Me) { _ = ctx.LocalStorage().Set(meKey, me) }

// recall reads who was signed in last, and reports whether anybody was.
func recall(ctx app.Context, me *rest.Me) bool {
	return ctx.LocalStorage().Get(meKey, me) == nil && me.User != nil
}

// keptName names a list that the browser keeps.
type keptName string

// The lists that the browser keeps. None holds what is in an event. Where a list has many pages, or there is one for
// each stream, [keptName.of] names the part.
const (
	keptHome         keptName = "home"
	keptRoles        keptName = "roles"
	keptGroups       keptName = "groups"
	keptGroup        keptName = "group"
	keptUsers        keptName = "users"
	keptStream       keptName = "stream"
	keptStreams      keptName = "streams"
	keptStreamGroups keptName = "groups of"
	keptStreamNames  keptName = "stream names"
)

// of names a part of a list: the page at a cursor, or the part of one stream.
func (n keptName) of(part string) keptName { return n + " " + keptName(part) }

// keptPrefix begins the names of what is kept in the browser.
const keptPrefix = "eventflow kept "

// maxKept bounds the size of a list that is kept. A larger one is not.
const maxKept = 200 << 10

// keptValue is a list as the browser keeps it.
type keptValue[T any] struct {
	At    time.Time `json:"at"`
	Value T         `json:"value"`
}

// keep keeps a list under a key.
func keep[T any](ctx app.Context, key string, value T) {
	text, err := json.Marshal(value)
	if err != nil || len(text) > maxKept {
		return
	}
	_ = ctx.LocalStorage().Set(key, keptValue[T]{time.Now(), value}) // a full storage keeps nothing
}

// forget removes every list that is kept, and who was signed in.
func forget(ctx app.Context) {
	ctx.LocalStorage().Del(meKey)
	var keys []string
	ctx.LocalStorage().ForEach(func(key string) {
		if len(key) >= len(keptPrefix) && key[:len(keptPrefix)] == keptPrefix {
			keys = append(keys, key)
		}
	})
	for _, key := range keys {
		ctx.LocalStorage().Del(key)
	}
}
