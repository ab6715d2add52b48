package tmpdeps
import (
_ "github.com/gofiber/fiber/v2"
_ "github.com/jackc/pgx/v5/pgxpool"
_ "github.com/jackc/pgx/v5/stdlib"
_ "gorm.io/driver/postgres"
_ "gorm.io/driver/sqlite"
_ "modernc.org/sqlite"
_ "go.uber.org/fx"
_ "github.com/stretchr/testify/require"
_ "github.com/santhosh-tekuri/jsonschema/v6"
_ "github.com/pressly/goose/v3"
_ "github.com/prometheus/client_golang/prometheus/promhttp"
_ "github.com/spf13/cobra"
_ "github.com/caarlos0/env/v11"
_ "github.com/casbin/casbin/v2"
_ "pgregory.net/rapid"
_ "go.uber.org/goleak"
_ "golang.org/x/sync/errgroup"
)

