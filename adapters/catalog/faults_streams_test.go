package catalog

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

const (
	streamHome  = "stream/the home of a stream is found, whoever has it"
	streamCount = "stream/the streams of each shard are counted"
)

var streamFaults = []fault{
	{"knows no home of a deleted stream", streamHome, "HomesOf must return the Shard", func(f *faulty) {
		f.homes = func(ctx context.Context, ids []core.ID) ([]int, error) {
			shards := make([]int, len(ids))
			for i, id := range ids {
				statement := `select coalesce(max(shard), 0) from streams where id = ? and deleted_at is null`
				if err := f.db.WithContext(ctx).Raw(statement, id.String()).Scan(&shards[i]).Error; err != nil {
					return nil, err
				}
			}
			return shards, nil
		}
	}},
	{"leaves out what has no home", streamHome, "HomesOf must return the Shard", func(f *faulty) {
		f.homes = func(ctx context.Context, ids []core.ID) (found []int, err error) {
			for _, id := range ids {
				var one []int
				if err := f.db.WithContext(ctx).Raw(`select shard from streams where id = ?`, id.String()).Scan(&one).Error; err != nil {
					return nil, err
				}
				found = append(found, one...)
			}
			return found, nil
		}
	}},
	{"counts deleted streams", streamCount, "must count the live streams", counts(`select shard, count(*) as streams from streams group by shard`)},
	{
		"counts the streams of one organization", streamCount, "must count the live streams",
		counts(`select shard, count(distinct name) as streams from streams where deleted_at is null group by shard`),
	},
}

// counts is a fault that counts the streams of the shards by another statement.
func counts(statement string) func(*faulty) {
	return func(f *faulty) {
		f.streamsPerShard = func(ctx context.Context) (map[int]int64, error) {
			var rows []struct {
				Shard   int
				Streams int64
			}
			err := f.db.WithContext(ctx).Raw(statement).Scan(&rows).Error
			count := map[int]int64{}
			for _, row := range rows {
				count[row.Shard] = row.Streams
			}
			return count, err
		}
	}
}
