package pgtenant

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventflow-go/eventflow/core"
)

// judged are the settings of PostgreSQL that Examine looks at, each with what is wrong
// where it is off.
var judged = map[string]struct {
	state core.FindingState
	text  string
}{
	"fsync":              {core.FindingProblem, "acknowledged events are lost when the machine stops; set it to on"},
	"synchronous_commit": {core.FindingProblem, "acknowledged events are lost when PostgreSQL stops; set it to on for this database and user"},
	"full_page_writes":   {core.FindingProblem, "a page that is half written when the machine stops cannot be repaired; set it to on"},
	"data_checksums":     {core.FindingNote, "PostgreSQL does not notice when a disk changes what it keeps; pg_checksums --enable turns them on while it is stopped"},
}

// Examine tells which settings of PostgreSQL endanger what it is given. part is what is
// kept there, as `events`.
func (d Durability) Examine(ctx context.Context, pool *pgxpool.Pool, part string, tell func(core.Finding)) error {
	rows, err := pool.Query(ctx, `select name, setting from pg_settings
		where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums') and setting = 'off' order by name`)
	if err != nil {
		return err
	}
	off, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Name, Setting string }])
	for _, setting := range off {
		judgement := judged[setting.Name]
		tell(core.Finding{About: "durability", State: judgement.state, Text: fmt.Sprintf("%s: %s is off: %s", part, setting.Name, judgement.text)})
	}
	if err != nil || !d.Standby {
		return err
	}
	switch err := checkStandby(ctx, pool); {
	case err == nil:
		tell(core.Finding{About: "durability", State: core.FindingGood, Text: part + ": a synchronous standby has what is acknowledged, too"})
	case errors.Is(err, core.ErrRelaxedDurability):
		tell(core.Finding{About: "durability", State: core.FindingProblem, Text: part + ": " + err.Error()})
	case !errors.Is(err, core.ErrAlone): // of which Check tells
		return err
	}
	return nil
}
