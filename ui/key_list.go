package ui

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
	"golang.org/x/sync/errgroup"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// keyList is a page of keys, with the names of the streams that they are limited to.
type keyList struct {
	rest.List[core.APIKey]
	Names map[core.ID]string
}

// namedStreams is how many streams of a key are named, and namedOfAll how many of a
// page of keys. The rest are shown by their number or by their ids.
const (
	namedStreams = 3
	namedOfAll   = 30
)

// narrowedTo returns the streams of keys that are to be named, each once.
func narrowedTo(keys []core.APIKey) (ids []core.ID) {
	for i := range keys {
		ids = append(ids, keys[i].Streams[:min(len(keys[i].Streams), namedStreams)]...)
	}
	slices.SortFunc(ids, func(a, b core.ID) int { return bytes.Compare(a[:], b[:]) })
	ids = slices.Compact(ids)
	return ids[:min(len(ids), namedOfAll)]
}

// streamNames returns the names of streams by their ids. A stream that is gone has
// none.
func streamNames(ctx context.Context, client *rest.Client, ids []core.ID) map[core.ID]string {
	var mu sync.Mutex
	names := map[core.ID]string{}
	var requests errgroup.Group
	requests.SetLimit(4) // a browser has six connections to a server
	for _, id := range ids {
		requests.Go(func() error {
			if stream, err := client.Stream(ctx, id.String()); err == nil {
				mu.Lock()
				defer mu.Unlock()
				names[id] = stream.Name
			}
			return nil
		})
	}
	_ = requests.Wait() // none fails
	return names
}

// scope names the streams that a key is limited to.
func (l keyList) scope(key core.APIKey) string {
	if len(key.Streams) == 0 {
		return "all"
	}
	var names []string
	for _, id := range key.Streams[:min(len(key.Streams), namedStreams)] {
		names = append(names, cmp.Or(l.Names[id], id.String()))
	}
	if more := len(key.Streams) - len(names); more > 0 {
		return strings.Join(names, ", ") + " and " + count(more) + " more"
	}
	return strings.Join(names, ", ")
}

// keyState shows whether a key is valid, and until when.
func keyState(key core.APIKey, now time.Time) app.UI {
	switch {
	case key.RevokedAt != nil:
		return badge("bad", "revoked")
	case key.ExpiresAt != nil && key.ExpiresAt.Before(now):
		return badge("bad", "expired")
	case key.PreviousValidUntil != nil && key.PreviousValidUntil.After(now):
		return timeBadge("warn", "old secret expires", *key.PreviousValidUntil)
	case key.ExpiresAt != nil:
		return timeBadge("ok", "expires", *key.ExpiresAt)
	}
	return badge("ok", "active")
}
