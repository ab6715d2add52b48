package sqlitefile_test

import (
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/sqlitefile"
)

// What a URL names, and what is said of one that names nothing. Data lies in
// these folders: what a URL names never changes.
var (
	named = map[string]string{
		"sqlite:data":                      "data",
		"sqlite:./data":                    "./data",
		"sqlite:../data/":                  "../data/",
		"sqlite:.":                         ".",
		"sqlite:/srv/data":                 "/srv/data",
		"sqlite:///srv/data":               "/srv/data",
		"sqlite:////srv/data":              "//srv/data",
		"sqlite:///":                       "/",
		"sqlite://data":                    "data",
		"sqlite://data/more":               "data/more",
		"sqlite://./data":                  "./data",
		"sqlite:./dev%20data":              "./dev data",
		"sqlite:./dev data":                "./dev data",
		"sqlite:///srv/dev%20data":         "/srv/dev data",
		"sqlite:///srv/dev data":           "/srv/dev data",
		"sqlite://./dev%20data":            "./dev data",
		"sqlite:./100%25":                  "./100%",
		"sqlite:///srv/100%25":             "/srv/100%",
		"sqlite:./%2541":                   "./%41",
		"sqlite:///srv/%2541":              "/srv/%41",
		"sqlite:./a%23b":                   "./a#b",
		"sqlite:///srv/a%23b":              "/srv/a#b",
		"sqlite:./what%3F":                 "./what?",
		"sqlite:///srv/what%3f":            "/srv/what?",
		"sqlite:./what?":                   "./what", // nothing follows the ?
		"sqlite:///srv/what?":              "/srv/what",
		"sqlite:./a#":                      "./a",
		"sqlite:./a+b&c=d;e":               "./a+b&c=d;e",
		"sqlite:///srv/a+b&c=d;e":          "/srv/a+b&c=d;e",
		"sqlite:./it's":                    "./it's",
		"sqlite:a:b":                       "a:b",
		"sqlite:./gr%C3%BCn/日本語":           "./grün/日本語",
		"sqlite:///srv/gr%C3%BCn/日本語":      "/srv/grün/日本語",
		"sqlite:..%2fdata":                 "../data",
		"sqlite:///srv%2Fdata":             "/srv/data",
		"SQLITE:./Data":                    "./Data",
		"sqlite:///srv/../data":            "/srv/../data",
		"sqlite://somebody@data/more":      "data/more", // who is meant by it makes no difference
		"sqlite:./data/?":                  "./data/",
		"sqlite:%2Fsrv%2Fdata%20of%20mine": "/srv/data of mine",
	}
	nameless = map[string]string{
		"sqlite:":                            "must name a folder",
		"sqlite://":                          "must name a folder",
		"sqlite:?":                           "must name a folder",
		"sqlite:#":                           "must name a folder",
		"sqlite:./%zz":                       `"%zz"`,
		"sqlite:./100%":                      "%25",
		"sqlite:./a#b":                       `"#b"`,
		"sqlite:///srv/a#b":                  `"#b"`,
		"sqlite:./a?mode":                    `"?mode"`,
		"sqlite:./a?b=c":                     `"?b"`,
		"sqlite:///srv/a?_pragma=key('hush'": `"?_pragma"`,
		"sqlite:./a?&":                       `"?&"`,
		"sqlite:./a?%zz":                     `"?%zz"`,
	}
)

func TestFolder(t *testing.T) {
	t.Parallel()
	for text, want := range named {
		u, err := url.Parse(text)
		require.NoError(t, err, text)
		got, err := sqlitefile.Folder(u)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for text, says := range nameless {
		u, err := url.Parse(text)
		require.NoError(t, err, text)
		_, err = sqlitefile.Folder(u)
		require.ErrorContains(t, err, says, text)
		require.Regexp(t, "^must name a folder", err.Error(), "it continues a sentence")
		require.NotContains(t, err.Error(), "hush", text)
	}
}

// In a folder that everybody may read, the database and what SQLite keeps beside it are
// the owner's alone: whatever was there before, and whatever the umask gives.
func TestTheFilesAreTheOwnersAlone(t *testing.T) {
	t.Parallel()
	for _, before := range []bool{false, true} {
		folder := t.TempDir()
		require.NoError(t, os.Chmod(folder, 0o755))
		path := filepath.Join(folder, "some.db")
		use := func() {
			db, err := sqlitefile.Open(path)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, db.Close()) })
			require.NoError(t, sqlitefile.Begin(path, func() error {
				_, err := db.ExecContext(t.Context(), "create table if not exists t (x)")
				return err
			}))
			files, err := filepath.Glob(path + "*")
			require.NoError(t, err)
			require.Subset(t, files, []string{path, path + "-wal", path + "-shm", path + ".reserve"})
			for _, file := range files {
				info, err := os.Stat(file)
				require.NoError(t, err)
				require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), file)
			}
		}
		use()
		if before { // as an earlier version left them, when it was killed
			files, err := filepath.Glob(path + "*")
			require.NoError(t, err)
			for _, file := range files {
				require.NoError(t, os.Chmod(file, 0o644))
			}
			use()
		}
		info, err := os.Stat(folder)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o755), info.Mode().Perm(), "a folder that was there stays as it is")
	}
}
