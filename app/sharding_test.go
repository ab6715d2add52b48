package app

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A list of shards is read from the setting or from a file. A comma between the hosts of
// one URL parts no shards, and no password is shown.
func TestAListOfShardsIsRead(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "shards")
	require.NoError(t, os.WriteFile(file, []byte("# the first\npostgres://u:pw@a/db?sslmode=disable\n\n  sqlite:./b  \n"), 0o600))
	for setting, want := range map[string][]string{
		"sqlite:./a":                 {"sqlite:./a"},
		"sharded:sqlite:./a":         {"sqlite:./a"},
		"sharded:memory:,memory:":    {"memory:", "memory:"},
		"sharded:@" + file:           {"postgres://u:pw@a/db?sslmode=disable", "sqlite:./b"},
		"sharded:sqlite:a, sqlite:b": {"sqlite:a", "sqlite:b"},
		"sharded:sqlite:a,sqlite:b,": {"sqlite:a", "sqlite:b"},
		"sharded:postgres://u:pw@a:5432,b:5432/db?sslmode=disable&x=1,postgresql://c/db": {
			"postgres://u:pw@a:5432,b:5432/db?sslmode=disable&x=1", "postgresql://c/db",
		},
	} {
		u, err := storeURL(setting)
		require.NoError(t, err, setting)
		all, err := shardURLs(u)
		require.NoError(t, err, setting)
		var got []string
		for _, one := range all {
			got = append(got, one.String())
		}
		require.Equal(t, want, got, setting)
	}
	for setting, says := range map[string]string{
		"sharded:":                      "names no shard",
		"sharded:@/nowhere/at/all":      "cannot be read",
		"sharded:somewhere":             "shard 0 of the list must be a URL",
		"sharded:sharded:memory:":       "is a list itself",
		"sharded:memory:,sqlite:../a?b": "shard 1 of the list",
	} {
		_, err := storeURL(setting)
		require.ErrorContains(t, err, says, setting)
	}
	const secret = "sharded:postgres://u:pw@a/db,postgres://b/db?password=pw"
	require.Equal(t, "sharded:postgres://u:xxxxx@a/db,postgres://b/db?password=xxxxx", shown("store", secret))
	require.True(t, holdsSecret("store", secret))
	require.False(t, holdsSecret("store", "sharded:postgres://u@a/db,postgres://b/db"))
	require.Equal(t, "sharded:@"+file, shown("store", "sharded:@"+file))
	people, err := Config{Store: "sharded:" + "postgres://a/db,memory:"}.catalogURL()
	require.NoError(t, err)
	require.Equal(t, "postgres://a/db", people.String(), "the catalog is beside the first shard")
	require.Equal(t, 2, Config{Store: "sharded:postgres://a/db,memory:"}.lanes())
}
