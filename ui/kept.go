package ui

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
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
	keptProcessors   keptName = "processors"
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

// keep keeps a list under a key, and lets go of others where there are too many.
func keep[T any](ctx app.Context, key string, value T) {
	text, err := json.Marshal(value)
	if err != nil || len(text) > maxKept {
		return
	}
	now := time.Now()
	_ = ctx.LocalStorage().Set(key, keptValue[T]{now, value}) // a full storage keeps nothing
	trimKept(ctx, now, key)
}

// maxLists is how many lists are kept. keptFor is for how long: a session ends after that
// time, and nobody is shown them any more.
const (
	maxLists = 40
	keptFor  = core.RefreshTokenLife
)

// keptIndex says when each of the lists was kept, by their keys.
type keptIndex map[string]time.Time

// indexKey is the name under which the browser keeps the index.
const indexKey = keptPrefix + "index"

// bound takes out of the index what is too old, and then the oldest of what is too many.
// It returns what it took.
func (x keptIndex) bound(now time.Time) (drop []string) {
	keys := slices.SortedFunc(maps.Keys(x), func(a, b string) int { return x[b].Compare(x[a]) })
	for i, key := range keys {
		if i >= maxLists || now.Sub(x[key]) > keptFor {
			drop = append(drop, key)
			delete(x, key)
		}
	}
	return drop
}

// trimKept lets go of lists that are too old or too many, and of those that an earlier
// version has kept without an index. fresh was kept just now; "" is none.
func trimKept(ctx app.Context, now time.Time, fresh string) {
	storage, index := ctx.LocalStorage(), keptIndex{}
	if storage.Get(indexKey, &index) != nil || index == nil {
		index = keptIndex{}
	}
	if fresh != "" {
		index[fresh] = now
	}
	drop := index.bound(now)
	storage.ForEach(func(key string) {
		if _, known := index[key]; !known && key != indexKey && strings.HasPrefix(key, keptPrefix) {
			drop = append(drop, key)
		}
	})
	for _, key := range drop {
		storage.Del(key)
	}
	if len(index) == 0 {
		storage.Del(indexKey)
		return
	}
	_ = storage.Set(indexKey, index)
}

// forget removes every list that is kept, and who was signed in.
func forget(ctx app.Context) {
	ctx.LocalStorage().Del(meKey)
	forgetLists(ctx)
}

// forgetLists removes every list that is kept.
func forgetLists(ctx app.Context) {
	var keys []string
	ctx.LocalStorage().ForEach(func(key string) {
		if strings.HasPrefix(key, keptPrefix) {
			keys = append(keys, key)
		}
	})
	for _, key := range keys {
		ctx.LocalStorage().Del(key)
	}
}
