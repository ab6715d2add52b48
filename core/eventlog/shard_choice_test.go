package eventlog_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// threeShards is a store of three shards, as far as streams are made.
type threeShards struct{}

func (threeShards) Shards() int { return 3 }

func (threeShards) ShardOf(context.Context, core.ID) (int, error) { return 0, nil }

// A new stream goes where the fewest live streams are, or where it is asked to, and stays.
func TestANewStreamIsPutOnAShard(t *testing.T) {
	t.Parallel()
	r := coretest.NewRig(t, coretest.OpenLog(t))
	who := r.Who
	create := func(name string, shard *int) (int, error) {
		stream, err := r.Streams.Create(t.Context(), who, core.StreamSpec{Name: name, Shard: shard})
		return stream.Shard, err
	}
	_, err := create("elsewhere", new(1))
	coretest.RequireRefusal(t, err, core.CodeValidation, "shard")
	r.Streams.Shards, r.Streams.Places = threeShards{}, r.Catalog
	for _, shard := range []int{-1, 3} {
		_, err := create("elsewhere", &shard)
		coretest.RequireRefusal(t, err, core.CodeValidation, "shard")
	}
	var got []int
	for _, one := range []struct {
		name  string
		shard *int
	}{{"a", nil}, {"b", new(0)}, {"c", nil}, {"d", nil}, {"e", nil}, {"f", nil}, {"g", new(2)}} {
		shard, err := create(one.name, one.shard)
		require.NoError(t, err)
		got = append(got, shard)
	}
	require.Equal(t, []int{0, 0, 1, 2, 1, 2, 2}, got)
	require.NoError(t, r.Streams.Delete(t.Context(), who, "a", 0))
	require.NoError(t, r.Streams.Delete(t.Context(), who, "b", 0))
	shard, err := create("h", nil)
	require.NoError(t, err)
	require.Zero(t, shard, "deleted streams do not count")
	changed, err := r.Streams.Change(t.Context(), who, "g", core.StreamChange{Description: new("changed")}, 0)
	require.NoError(t, err)
	require.Equal(t, 2, changed.Shard)
}
