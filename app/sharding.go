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
		if len(texts) > 0 && !isShard.MatchString(text) {
			texts[len(texts)-1] += "," + part
		} else if text != "" {
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

// placed is where the streams of a copy go: where they are in the original, if the target
// has such a shard, and on the first one otherwise.
type placed struct {
	core.Homes

	shards int
}

// HomesOf implements [core.Homes].
func (p placed) HomesOf(ctx context.Context, streams []core.ID) ([]int, error) {
	homes, err := p.Homes.HomesOf(ctx, streams)
	for i := range homes {
		homes[i] = p.within(homes[i])
	}
	return homes, err
}

func (p placed) within(shard int) int {
	if shard < p.shards {
		return shard
	}
	return 0
}

// row is a row of the catalog as it is at the target.
func (p placed) row(table string, row catalog.Row) {
	if shard, has := row["shard"].(int64); has && table == "streams" {
		row["shard"] = int64(p.within(int(shard)))
	}
}

// rowHomes are the homes that the rows of a backup tell of.
type rowHomes map[core.ID]int

// HomesOf implements [core.Homes].
func (h rowHomes) HomesOf(_ context.Context, streams []core.ID) ([]int, error) {
	shards := make([]int, len(streams))
	for i, stream := range streams {
		shards[i] = h[stream]
	}
	return shards, nil
}

// note reads the home of a stream from its row.
func (h rowHomes) note(table string, row catalog.Row) {
	shard, has := row["shard"].(int64)
	text, _ := row["id"].(string)
	if id, err := core.ParseID(text); err == nil && has && table == "streams" {
		h[id] = int(shard)
	}
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
