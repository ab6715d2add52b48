package catalog

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"github.com/eventflow-go/eventflow/core"
)

// processorRow is what a processor has besides its group.
type processorRow struct {
	ID     string `gorm:"primaryKey"`
	Org    string
	Stream string
	State  string
	// FailingSince and Attempts change with what the processor does, and with nothing
	// else. Attempts is how many deliveries are kept of it at most: it does not go down
	// when some are forgotten by their age.
	FailingSince *int64
	Attempts     int
	// CreatedBy does not change.
	CreatedBy string
	// Document is a processorDocument.
	Document string
	// Secrets are null where there are none: SQLite gives no empty bytes back.
	Secrets []byte
}

// TableName names the table for GORM.
func (processorRow) TableName() string { return "processors" }

// processorDocument is what only the server reads of a processor. Settings are a text
// in it, so that they come back byte for byte.
type processorDocument struct {
	Filter    string `json:"filter,omitempty"`
	Transform string `json:"transform,omitempty"`
	Type      string `json:"type"`
	Settings  string `json:"settings,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

func processorRowOf(p core.Processor) (processorRow, error) {
	document, err := json.Marshal(processorDocument{p.Filter, p.Transform, p.Destination.Type, string(p.Destination.Settings), p.Reason})
	row := processorRow{
		ID: p.ID.String(), Org: p.Org.String(), Stream: p.Stream.String(), State: string(p.State),
		FailingSince: optionalMicros(p.FailingSince), CreatedBy: optionalID(p.CreatedBy), Document: string(document),
	}
	if len(p.Destination.Secrets) > 0 {
		row.Secrets = p.Destination.Secrets
	}
	return row, err
}

// joinedRow is a processor with its group.
type joinedRow struct {
	Row          groupRow `gorm:"embedded"`
	State        string
	FailingSince *int64
	CreatedBy    string
	Document     string
	Secrets      []byte
}

func (r joinedRow) processor() (core.Processor, error) {
	group, err := r.Row.group()
	if err != nil {
		return core.Processor{}, err
	}
	var document processorDocument
	if err := json.Unmarshal([]byte(r.Document), &document); err != nil {
		return core.Processor{}, fmt.Errorf("the processor %s is damaged: %w", r.Row.ID, err)
	}
	p := core.Processor{
		Group: group, Filter: document.Filter, Transform: document.Transform, Destination: core.Destination{Type: document.Type},
		State: core.ProcessorState(r.State), Reason: document.Reason, FailingSince: fromOptionalMicros(r.FailingSince),
	}
	if document.Settings != "" {
		p.Destination.Settings = json.RawMessage(document.Settings)
	}
	if len(r.Secrets) > 0 {
		p.Destination.Secrets = json.RawMessage(r.Secrets)
	}
	if r.CreatedBy != "" {
		err = parseIDs(into{r.CreatedBy, &p.CreatedBy})
	}
	return p, err
}

// ofLiveStream leaves out the processors of deleted streams.
const ofLiveStream = "not exists (select 1 from streams where streams.id = processors.stream and streams.deleted_at is not null)"

// joined selects processors with their groups.
func (c *Catalog) joined(ctx context.Context) *gorm.DB {
	return c.db.WithContext(ctx).Table("processors").
		Select("consumer_groups.*, processors.state, processors.failing_since, processors.created_by, processors.document, processors.secrets").
		Joins("join consumer_groups on consumer_groups.id = processors.id")
}

// CreateProcessor implements [core.Processors].
func (c *Catalog) CreateProcessor(ctx context.Context, processor core.Processor, first core.Progress) error {
	row, err := processorRowOf(processor)
	if err != nil {
		return err
	}
	group := processor.Group
	group.Processor = true
	return c.write(ctx, func(tx *gorm.DB) error {
		if err := createGroup(tx, group, first); err != nil {
			return err
		}
		return tx.Create(&row).Error
	})
}

// Processor implements [core.Processors].
func (c *Catalog) Processor(ctx context.Context, org, id core.ID) (core.Processor, error) {
	return take(c.joined(ctx).Where("processors.org = ? and processors.id = ?", org.String(), id.String()), "processor", joinedRow.processor)
}

// Processors implements [core.Processors].
func (c *Catalog) Processors(ctx context.Context, scan core.ProcessorScan) ([]core.Processor, error) {
	query := c.joined(ctx).Where("processors.id > ?", scan.After.String()).Where(ofLiveStream).Order("processors.id").Limit(scan.Limit)
	if !scan.Org.IsZero() {
		query = query.Where("processors.org = ?", scan.Org.String())
	}
	if len(scan.Streams) > 0 {
		query = query.Where("processors.stream in ?", texts(scan.Streams))
	}
	if scan.State != "" {
		query = query.Where("processors.state = ?", string(scan.State))
	}
	return list(query, joinedRow.processor)
}

// UpdateProcessor implements [core.Processors]. The group goes first: it has the
// revision, and its deletion takes the locks in that order, too.
func (c *Catalog) UpdateProcessor(ctx context.Context, processor core.Processor) error {
	row, err := processorRowOf(processor)
	if err != nil {
		return err
	}
	return c.write(ctx, func(tx *gorm.DB) error {
		is := tx.Where("id = ? and org = ? and stream = ? and processor = 1", row.ID, row.Org, row.Stream)
		if err := updateGroup(is, processor.Group, "processor"); err != nil {
			return err
		}
		return tx.Model(&processorRow{}).Where("id = ?", row.ID).Select("state", "document", "secrets").Updates(&row).Error
	})
}

type markRow struct {
	ID, Org, Stream string
	Revision        int64
	FailingSince    *int64
}

func (r markRow) mark() (core.ProcessorMark, error) {
	mark := core.ProcessorMark{Revision: r.Revision, FailingSince: fromOptionalMicros(r.FailingSince)}
	return mark, parseIDs(into{r.ID, &mark.ID}, into{r.Org, &mark.Org}, into{r.Stream, &mark.Stream})
}

// RunningProcessors implements [core.Processors].
func (c *Catalog) RunningProcessors(ctx context.Context, after core.ID, limit int) ([]core.ProcessorMark, error) {
	return list(c.db.WithContext(ctx).Table("processors").
		Select("processors.id, processors.org, processors.stream, consumer_groups.revision, processors.failing_since").
		Joins("join consumer_groups on consumer_groups.id = processors.id").
		Where("processors.state = 'running' and processors.id > ?", after.String()).
		Where(ofLiveStream).
		Order("processors.id").Limit(limit), markRow.mark)
}
