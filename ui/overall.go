package ui

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// overall is the state that home shows.
type overall struct {
	Sum    core.Summary
	Keys   int
	Events []core.Event
	// Names are the names of the events' streams.
	Names map[core.ID]string
	// Missing is what the server could not look at, nil where it is nothing.
	Missing *core.Missing
}

// all fetches the state. Its requests run side by side.
func (v *homeView) all(ctx context.Context, client *rest.Client) (now overall, err error) {
	requests, ctx := errgroup.WithContext(ctx)
	requests.Go(func() (err error) {
		now.Sum, err = client.PartialSummary(ctx)
		return err
	})
	if v.s.may(core.ActionReadKeys) {
		requests.Go(func() error {
			page, err := client.KeysPage(ctx, core.KindAPIKey, "", 1)
			now.Keys = len(page.Items)
			return ifPermitted(err)
		})
	}
	if v.s.may(core.ActionReadEvents) {
		requests.Go(func() error {
			page, err := client.AllEventsPage(ctx, core.EventQuery{Descending: true, Limit: newestEvents, Partial: true})
			now.Events, now.Names, now.Missing = page.Items, page.Streams, page.Missing
			for i := range now.Events { // payloads may be large, and home shows none
				now.Events[i].Payload, now.Events[i].Context = nil, nil
			}
			return ifPermitted(err)
		})
	}
	if err := requests.Wait(); err != nil {
		return now, err
	}
	if now.Sum.Missing == nil { // the sum of a part would be a step back
		v.rates.note(core.ID{}, now.Sum.Stored, now.Sum.At)
	} else {
		now.Missing = now.Sum.Missing
	}
	return now, nil
}

// ifPermitted drops the error of a request that the user's role does not permit any
// more. Home shows the rest.
func ifPermitted(err error) error {
	if core.CodeOf(err) == core.CodeForbidden {
		return nil
	}
	return err
}

// newestEvents is the number of events that home lists.
const newestEvents = 8
