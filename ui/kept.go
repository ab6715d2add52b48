package ui

import (
	"encoding/json"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// meKey is the name under which the browser keeps who was signed in.
const meKey = "eventflow me"

// remember keeps who was signed in, for a start without a server. No credential
// is in it.
func remember(ctx app.Context, me rest.Me) { _ = ctx.LocalStorage().Set(meKey, me) }

func recall(ctx app.Context, me *rest.Me) bool {
	return ctx.LocalStorage().Get(meKey, me) == nil && me.User != nil
}

// keptName names a list that the browser keeps.
type keptName string

// The lists that the browser keeps. Those with many pages, or about one of many
// things, are kept by [keptName.of].
const (
	keptHome         keptName = "home"
	keptRoles        keptName = "roles"
	keptGroups       keptName = "groups"
	keptStream       keptName = "stream"
	keptStreams      keptName = "streams"
	keptStreamGroups keptName = "groups of"
	keptStreamNames  keptName = "stream names"
)

// of names the part of a list that begins at a cursor, or belongs to one thing.
func (n keptName) of(part string) keptName { return n + " " + keptName(part) }

// keptPrefix begins the names of what is kept in the browser.
const keptPrefix = "eventflow kept "

// maxKept bounds what is kept of one list.
const maxKept = 200 << 10

type keptValue[T any] struct {
	At    time.Time `json:"at"`
	Value T         `json:"value"`
}

func keep[T any](ctx app.Context, key string, value T) {
	text, err := json.Marshal(value)
	if err != nil || len(text) > maxKept {
		return
	}
	_ = ctx.LocalStorage().Set(key, keptValue[T]{time.Now(), value}) // a full storage keeps nothing
}

// forget removes all that is kept, and who was signed in.
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
