package catalog

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"

	"github.com/eventflow-go/eventflow/adapters/pgtenant"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/migrations"
)

func openPostgres(ctx context.Context, u *url.URL) (core.Catalog, error) {
	config, err := pgtenant.Configure(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("the catalog's URL: %w", err)
	}
	config.ConnConfig.RuntimeParams["application_name"] = "eventflow catalog"
	wall := pgtenant.Guard(config, "eventflow_admit_to_catalog")
	if err := pgtenant.Migrate(ctx, config, migrations.CatalogPostgres); err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDBFromPool(pool)
	c, err := open(postgres.New(postgres.Config{Conn: db}), func() error {
		err := db.Close()
		pool.Close()
		return err
	})
	if err != nil {
		return nil, err
	}
	durability := pgtenant.DurabilityOf(ctx)
	c.tables = migrations.CatalogPostgres
	c.examine = func(ctx context.Context, tell func(core.Finding)) error {
		return durability.Examine(ctx, pool, "catalog", tell)
	}
	c.durable = func(ctx context.Context) error { return durability.Check(ctx, pool) }
	c.clock = func(ctx context.Context) (time.Time, error) { return pgtenant.Time(ctx, pool) }
	c.pool = func() core.PoolLoad { return pgtenant.Pool(pool) }
	c.tryRoom = func(ctx context.Context) error { return pgtenant.TryRoom(ctx, pool) }
	if err := wall.Prepare(ctx, pool); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}
