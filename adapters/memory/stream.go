package memory

import (
	"bytes"
	"context"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

func ownStream(stream core.Stream) core.Stream {
	stream.Schema = bytes.Clone(stream.Schema)
	stream.CreatedAt, stream.UpdatedAt, stream.DeletedAt = utc(stream.CreatedAt), utc(stream.UpdatedAt), utcOrNone(stream.DeletedAt)
	if stream.LastRemoval != nil {
		stream.LastRemoval = new(*stream.LastRemoval)
		stream.LastRemoval.At = utc(stream.LastRemoval.At)
	}
	if stream.Moving != nil {
		stream.Moving = new(*stream.Moving)
		stream.Moving.StartedAt = utc(stream.Moving.StartedAt)
	}
	return stream
}

// liveStream returns a stream that its organization still has. It is still the
// catalog's own.
func (c *Catalog) liveStream(org, id core.ID) (core.Stream, error) {
	stream, ok := c.streams[id]
	if !ok || stream.Org != org || stream.DeletedAt != nil {
		return core.Stream{}, missing("stream")
	}
	return stream, nil
}

func (c *Catalog) streamNamed(org core.ID, name string) (core.Stream, bool) {
	return find(c.streams, func(stream core.Stream) bool {
		return stream.Org == org && stream.Name == name && stream.DeletedAt == nil
	})
}

// storeStream stores a live stream whose name no other one has, or a deleted one.
func (c *Catalog) storeStream(stream core.Stream) error {
	other, taken := c.streamNamed(stream.Org, stream.Name)
	if taken && other.ID != stream.ID && stream.DeletedAt == nil {
		return core.Errorf(core.CodeConflict, "a stream named %q already exists", stream.Name)
	}
	c.streams[stream.ID] = ownStream(stream)
	return nil
}

// CreateStream implements [core.StreamCatalog].
func (c *Catalog) CreateStream(ctx context.Context, stream core.Stream) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if _, taken := c.streams[stream.ID]; taken {
		return errTaken
	}
	return c.storeStream(stream)
}

// Stream implements [core.StreamCatalog].
func (c *Catalog) Stream(ctx context.Context, org, id core.ID) (core.Stream, error) {
	if err := c.enter(ctx); err != nil {
		return core.Stream{}, err
	}
	defer c.mu.Unlock()
	stream, err := c.liveStream(org, id)
	return ownStream(stream), err
}

// StreamNamed implements [core.StreamCatalog].
func (c *Catalog) StreamNamed(ctx context.Context, org core.ID, name string) (core.Stream, error) {
	if err := c.enter(ctx); err != nil {
		return core.Stream{}, err
	}
	defer c.mu.Unlock()
	stream, ok := c.streamNamed(org, name)
	if !ok {
		return core.Stream{}, missing("stream")
	}
	return ownStream(stream), nil
}

// Streams implements [core.StreamCatalog].
func (c *Catalog) Streams(ctx context.Context, org core.ID, after string, limit int) ([]core.Stream, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	all := sorted(c.streams, func(stream core.Stream) bool {
		return stream.Org == org && stream.Name > after && stream.DeletedAt == nil
	}, func(a, b core.Stream) int { return strings.Compare(a.Name, b.Name) })
	return page(all, limit, ownStream), nil
}

// AllStreams implements [core.StreamCatalog].
func (c *Catalog) AllStreams(ctx context.Context, after core.ID, limit int) ([]core.Stream, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	all := sorted(c.streams, func(stream core.Stream) bool { return byID(stream.ID, after) > 0 },
		func(a, b core.Stream) int { return byID(a.ID, b.ID) })
	return page(all, limit, ownStream), nil
}

// HomesOf implements [core.Homes].
func (c *Catalog) HomesOf(ctx context.Context, ids []core.ID) ([]int, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	shards := make([]int, len(ids))
	for i, id := range ids {
		shards[i] = c.streams[id].Shard
	}
	return shards, nil
}

// StreamsPerShard implements [core.StreamPlaces].
func (c *Catalog) StreamsPerShard(ctx context.Context) (map[int]int64, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	count := map[int]int64{}
	for _, stream := range c.streams {
		if stream.DeletedAt == nil {
			count[stream.Shard]++
		}
	}
	return count, nil
}

// MovingStreams implements [core.StreamPlaces].
func (c *Catalog) MovingStreams(ctx context.Context) ([]core.Stream, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	all := sorted(c.streams, func(stream core.Stream) bool { return stream.Moving != nil && stream.DeletedAt == nil },
		func(a, b core.Stream) int { return byID(a.ID, b.ID) })
	return page(all, len(all), ownStream), nil
}

// UpdateStream implements [core.StreamCatalog].
func (c *Catalog) UpdateStream(ctx context.Context, stream core.Stream) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if err := c.followsStream(&stream); err != nil {
		return err
	}
	return c.storeStream(stream)
}

// followsStream refuses a stream that does not follow the stored one, and takes over what
// is no setting.
func (c *Catalog) followsStream(stream *core.Stream) error {
	stored, err := c.liveStream(stream.Org, stream.ID)
	if err != nil {
		return err
	}
	if stored.Revision != stream.Revision-1 {
		return errMoved
	}
	stream.LastRemoval, stream.Reported = stored.LastRemoval, stored.Reported
	return nil
}

// NoteRemoval implements [core.StreamCatalog].
func (c *Catalog) NoteRemoval(ctx context.Context, id core.ID, removal core.Removal) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if stream, ok := c.streams[id]; ok {
		stream.LastRemoval = &removal
		c.streams[id] = ownStream(stream)
	}
	return nil
}
