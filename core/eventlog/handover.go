package eventlog

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// handOver moves what is old of a stream into the archive, behind retention, so that
// nothing goes there only to be removed. A deleted stream leaves the archive at once:
// nobody will read it again, and how long retention would keep it there may be years.
func (r *Retention) handOver(ctx context.Context, stream *core.Stream, bounds core.Bounds, now time.Time) error {
	if r.Archive == nil || bounds.Next == 0 {
		return nil
	}
	if stream.DeletedAt != nil {
		return r.Archive.DiscardArchive(ctx, stream.ID)
	}
	done, err := r.Archive.HandOver(ctx, stream.Org, stream.ID, now.AddDate(0, 0, -hotDays(stream, r.HotDays)))
	if done.Events > 0 { // also where it failed in the middle
		r.Logger.Info("events were handed over to the archive", "org_id", stream.Org, "stream_id", stream.ID,
			"events", done.Events, "objects", done.Objects, "bytes", done.Bytes, "kept_from_offset", done.Kept)
		if r.HandedOver != nil {
			r.HandedOver(done)
		}
	}
	return err
}

// hotDays is for how many days a stream's events stay in the store, where the server's
// setting counts for streams that say nothing.
func hotDays(stream *core.Stream, setting int) int {
	if stream.HotDays == 0 {
		return setting
	}
	return stream.HotDays
}
