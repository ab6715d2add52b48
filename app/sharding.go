package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"

	"github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/adapters/pgtenant"
	"github.com/eventflow-go/eventflow/adapters/sharded"
	"github.com/eventflow-go/eventflow/core"
)

// shardedScheme is that of a store made of several: `sharded:` and their URLs with commas
// between them, or `sharded:@` and a file with a URL on each line.
const shardedScheme = "sharded"

// isShard matches where the URL of a shard begins. A comma may also be between the hosts
// of one PostgreSQL URL, where a port follows the colon.
var isShard = regexp.MustCompile(`^[a-z][a-z0-9+.-]*:(\D|$)`)

// shardURLs returns the URLs of a store's shards, or the store's own if it is none.
func shardURLs(store *url.URL) (all []*url.URL, err error) {
	if store.Scheme != shardedScheme {
		return []*url.URL{store}, nil
	}
	texts, err := shardTexts(strings.TrimPrefix(store.String(), shardedScheme+":"))
	if err != nil {
		return nil, err
	}
	for i, text := range texts {
		u, err := storeURL(text)
		switch {
		case err != nil:
			return nil, fmt.Errorf("shard %d of the list %w", i, err)
		case u.Scheme == shardedScheme:
			return nil, fmt.Errorf("shard %d of the list is a list itself", i)
		}
		all = append(all, u)
	}
	if len(all) == 0 {
		return nil, errors.New("names no shard: write sharded:URL,URL,… or sharded:@FILE with a URL on each line")
	}
	return all, nil
}

func shardTexts(list string) (texts []string, err error) {
	if path, is := strings.CutPrefix(list, "@"); is {
		return shardLines(path)
	}
	for part := range strings.SplitSeq(list, ",") {
		text := strings.TrimSpace(part)
		switch {
		case text == "": // a comma too many
		case len(texts) > 0 && !isShard.MatchString(text):
			texts[len(texts)-1] += "," + part
		default:
			texts = append(texts, text)
		}
	}
	return texts, nil
}

// shardLines reads a file with a URL on each line, and comments behind #.
func shardLines(path string) (texts []string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("names a file of shards that cannot be read: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" && !strings.HasPrefix(line, "#") {
			texts = append(texts, line)
		}
	}
	return texts, lines.Err()
}

// openSharded opens the shards by the openers of their schemes.
func (p *program) openSharded(ctx context.Context, u *url.URL) (core.Storage, error) {
	all, err := shardURLs(u)
	if err != nil {
		return nil, wrong("store", err.Error())
	}
	shards := make([]sharded.Shard, len(all))
	for i, one := range all {
		open, ok := p.storages[one.Scheme]
		if !ok {
			return nil, p.unknownScheme(one.Scheme)
		}
		shards[i] = sharded.Shard{Name: shown("store", one.String()), Open: func(late context.Context) (core.Storage, error) {
			return open(inheriting{late, ctx}, one)
		}}
	}
	return sharded.New(ctx, shards)
}

// inheriting is a context that ends with one and has the values of another, too: a shard
// that is opened late is to be traced as those that were opened at the start.
type inheriting struct {
	context.Context
	values context.Context
}

// Value implements [context.Context].
func (c inheriting) Value(key any) any {
	if value := c.Context.Value(key); value != nil {
		return value
	}
	return c.values.Value(key)
}

// seat tells a storage of several shards where the streams are.
func seat(storage core.Storage, homes core.Homes) {
	if homed, ok := storage.(core.Homed); ok {
		homed.SetHomes(homes)
	}
}

// refuseShard refuses a storage that is one of several, and was named as the only one.
func refuseShard(ctx context.Context, storage core.Storage) error {
	labelled, ok := storage.(core.Labelled)
	if _, several := storage.(core.Sharded); several || !ok {
		return nil
	}
	label, err := labelled.Label(ctx)
	if err == nil && label.Of > 1 {
		err = fmt.Errorf("it is shard %d of %d: name all of them, in their order, as sharded:URL,URL,…", label.Number, label.Of)
	}
	return err
}

// placement is where the streams of a copy go. If the target has as many shards as the
// source, they stay on theirs. Else they go round the shards of the target, in the order
// of their ids, so that a copy that is begun again finds them where it has put them. It
// may be used by several goroutines at once.
type placement struct {
	// source and target are how many shards they have. Of an old backup source is 0: what
	// the target has no shard for goes to its first one.
	source, target int

	mu    sync.Mutex
	homes map[core.ID]int
}

func newPlacement(source int, target core.Storage) *placement {
	return &placement{source: source, target: core.ShardsOf(target), homes: map[core.ID]int{}}
}

// HomesOf implements [core.Homes]. Audit trails, of which no row tells, are on shard 0.
func (p *placement) HomesOf(_ context.Context, streams []core.ID) ([]int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	shards := make([]int, len(streams))
	for i, stream := range streams {
		shards[i] = p.homes[stream]
	}
	return shards, nil
}

// row makes a row of the catalog what it is at the target. The rows of streams come in
// the order of their ids.
func (p *placement) row(table string, row catalog.Row) {
	shard, has := row["shard"].(int64)
	text, _ := row["id"].(string)
	id, err := core.ParseID(text)
	if table != "streams" || !has || err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	home, known := p.homes[id]
	if !known {
		home = p.choose(int(shard))
		p.homes[id] = home
	}
	row["shard"] = int64(home)
}

// choose returns where a stream goes that is on a shard of the source.
func (p *placement) choose(at int) int {
	switch {
	case p.source != 0 && p.source != p.target:
		return len(p.homes) % p.target
	case at < p.target:
		return at
	}
	return 0
}

// fill places all streams of a catalog.
func (p *placement) fill(ctx context.Context, from *catalog.Snapshot) error {
	for _, table := range catalog.Tables() {
		if table.Name == "streams" {
			return from.Rows(ctx, table, func(row catalog.Row) error {
				p.row(table.Name, row)
				return nil
			})
		}
	}
	return nil
}

// validateStandby refuses to demand standbys of what has none.
func (c Config) validateStandby() error {
	if !c.RequireStandby {
		return nil
	}
	all, err := c.databases()
	if err != nil {
		return wrong("store", err.Error())
	}
	for _, one := range all {
		if one.Scheme != "postgres" && one.Scheme != "postgresql" {
			return wrong("require-standby", "is about PostgreSQL, and "+one.Scheme+": has no standby; keep the store, each of its shards and the catalog in PostgreSQL, or leave it out")
		}
	}
	return nil
}

// databases are the URLs of the store's shards and of the catalog.
func (c Config) databases() ([]*url.URL, error) {
	store, err := storeURL(c.Store)
	if err != nil {
		return nil, err
	}
	all, err := shardURLs(store)
	if err != nil {
		return nil, err
	}
	catalog, err := c.catalogURL()
	return append(all, catalog), err
}

// demands marks a context that databases are opened with by what they must promise.
func (c Config) demands(ctx context.Context) context.Context {
	if c.RequireStandby {
		return pgtenant.RequireStandby(ctx)
	}
	return ctx
}
