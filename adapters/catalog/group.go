package catalog

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/eventflow-go/eventflow/core"
)

type groupRow struct {
	ID             string `gorm:"primaryKey"`
	Org            string
	Stream         string
	Name           string
	Mode           string
	OrderingKey    string
	Visibility     int64
	MaxAttempts    int
	BackoffInitial int64
	BackoffMax     int64
	Processor      int // 1 where it is a processor's
	Revision       int64
	CreatedAt      int64 `gorm:"autoCreateTime:false"`
	UpdatedAt      int64 `gorm:"autoUpdateTime:false"`
}

// TableName names the table for GORM.
func (groupRow) TableName() string { return "consumer_groups" }

type progressRow struct {
	GroupID  string `gorm:"primaryKey"`
	Revision int64
	State    string
}

// TableName names the table for GORM.
func (progressRow) TableName() string { return "group_progress" }

func (r progressRow) progress() (core.Progress, error) {
	return core.Progress{Revision: r.Revision, State: []byte(r.State)}, nil
}

func groupRowOf(g core.Group) groupRow {
	row := groupRow{
		ID: g.ID.String(), Org: g.Org.String(), Stream: g.Stream.String(), Name: g.Name, Mode: string(g.Mode), OrderingKey: g.OrderingKey,
		Visibility: g.Visibility.Duration().Microseconds(), MaxAttempts: g.MaxAttempts,
		BackoffInitial: g.Backoff.Initial.Duration().Microseconds(), BackoffMax: g.Backoff.Max.Duration().Microseconds(),
		Revision: g.Revision, CreatedAt: micros(g.CreatedAt), UpdatedAt: micros(g.UpdatedAt),
	}
	if g.Processor {
		row.Processor = 1
	}
	return row
}

func (r groupRow) group() (core.Group, error) {
	g := core.Group{
		Name: r.Name, Mode: core.Mode(r.Mode), OrderingKey: r.OrderingKey, Visibility: seconds(r.Visibility), MaxAttempts: r.MaxAttempts,
		Backoff:   core.Backoff{Initial: seconds(r.BackoffInitial), Max: seconds(r.BackoffMax)},
		Processor: r.Processor != 0, Revision: r.Revision, CreatedAt: fromMicros(r.CreatedAt), UpdatedAt: fromMicros(r.UpdatedAt),
	}
	return g, parseIDs(into{r.ID, &g.ID}, into{r.Org, &g.Org}, into{r.Stream, &g.Stream})
}

func seconds(micros int64) core.Seconds {
	return core.Seconds(time.Duration(micros) * time.Microsecond)
}

// CreateGroup implements [core.Groups].
func (c *Catalog) CreateGroup(ctx context.Context, group core.Group, first core.Progress) error {
	return c.write(ctx, func(tx *gorm.DB) error { return createGroup(tx, group, first) })
}

func createGroup(tx *gorm.DB, group core.Group, first core.Progress) error {
	row := groupRowOf(group)
	if err := tx.Create(&row).Error; err != nil {
		return groupTaken(err, group.Name)
	}
	return tx.Create(&progressRow{GroupID: row.ID, Revision: first.Revision, State: string(first.State)}).Error
}

func groupTaken(err error, name string) error {
	if taken(err) {
		return core.Errorf(core.CodeConflict, "the stream already has a consumer group named %q", name)
	}
	return err
}

// Groups implements [core.Groups].
func (c *Catalog) Groups(ctx context.Context, stream core.ID) ([]core.Group, error) {
	return list(c.db.WithContext(ctx).Where("stream = ?", stream.String()).Order("name"), groupRow.group)
}

// recordRow is a group with its progress and the number of its dead letters.
type recordRow struct {
	Row              groupRow `gorm:"embedded"`
	ProgressRevision int64
	State            string
	DeadLetters      int64
}

func (r recordRow) record() (core.GroupRecord, error) {
	group, err := r.Row.group()
	return core.GroupRecord{
		Group: group, Progress: core.Progress{Revision: r.ProgressRevision, State: []byte(r.State)}, DeadLetters: r.DeadLetters,
	}, err
}

// AllGroups implements [core.Groups].
func (c *Catalog) AllGroups(ctx context.Context, scan core.GroupScan) ([]core.GroupRecord, error) {
	query := c.db.WithContext(ctx).Table("consumer_groups").
		Select("consumer_groups.*, group_progress.revision as progress_revision, group_progress.state, "+
			"(select count(*) from dead_letters where dead_letters.group_id = consumer_groups.id) as dead_letters").
		Joins("join group_progress on group_progress.group_id = consumer_groups.id").
		Where("consumer_groups.id > ?", scan.After.String()).Order("consumer_groups.id").Limit(scan.Limit)
	if !scan.Org.IsZero() {
		query = query.Where("consumer_groups.org = ?", scan.Org.String())
	}
	if len(scan.Streams) > 0 {
		query = query.Where("consumer_groups.stream in ?", texts(scan.Streams))
	}
	return list(query, recordRow.record)
}

var errNoGroup = core.Errorf(core.CodeNotFound, "there is no such consumer group")

// UpdateGroup implements [core.Groups].
func (c *Catalog) UpdateGroup(ctx context.Context, group core.Group) error {
	return c.write(ctx, func(tx *gorm.DB) error {
		return updateGroup(tx.Where("id = ? and stream = ?", group.ID.String(), group.Stream.String()), group, "consumer group")
	})
}

// updateGroup replaces the group that a query finds, unless another change was faster.
func updateGroup(is *gorm.DB, group core.Group, what string) error {
	row := groupRowOf(group)
	is = is.Session(&gorm.Session{}) // for two statements
	updated := is.Model(&groupRow{}).Where("revision = ?", group.Revision-1).
		Select("name", "visibility", "max_attempts", "backoff_initial", "backoff_max", "revision", "updated_at").
		Updates(&row)
	if updated.Error != nil || updated.RowsAffected == 1 {
		return groupTaken(updated.Error, group.Name)
	}
	if err := there[groupRow](is, what); err != nil {
		return err
	}
	return errMoved
}

// DeleteGroup implements [core.Groups]. What belongs to the group goes with it,
// by its foreign keys, but the progress, which goes first: a step changes the
// progress and then refers to the group, so locks are taken in that order only.
func (c *Catalog) DeleteGroup(ctx context.Context, stream, id core.ID) error {
	return c.write(ctx, func(tx *gorm.DB) error {
		err := tx.Exec(`delete from group_progress where group_id = (select id from consumer_groups where id = ? and stream = ?)`,
			id.String(), stream.String()).Error
		if err != nil {
			return err
		}
		return changed(tx.Where("id = ? and stream = ?", id.String(), stream.String()).Delete(&groupRow{}), errNoGroup)
	})
}
