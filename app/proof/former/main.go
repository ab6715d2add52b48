// Command former makes what the next version is to open: a small installation on
// SQLite and one on PostgreSQL, by the binary of the version that is at work now.
// The test beside it opens those in testdata with the binary of this source.
//
// Before a release, its binary leaves an installation for the versions after it:
//
//	make bin/testenv build
//	bin/testenv -- go run ./app/proof/former -binary bin/eventflow -name "$(git rev-parse --short HEAD)"
//
// It speaks plain HTTP, and no words of the packages around it: these may have
// changed since the binary was built. It needs pg_dump in the PATH.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	binary := flag.String("binary", "", "the server of the version that makes the installations")
	name := flag.String("name", "", "the version's name, which becomes a folder's")
	into := flag.String("into", "app/proof/former/testdata", "where the folder is made")
	flag.Parse()
	if *binary == "" || *name == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := makeAll(context.Background(), *binary, filepath.Join(*into, *name)); err != nil {
		fmt.Fprintln(os.Stderr, "former:", err)
		os.Exit(1)
	}
}

// makeAll makes both installations, and packs them into a folder.
func makeAll(ctx context.Context, binary, into string) error {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "eventflow-former-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) //nolint:errcheck // a temporary folder
	if err := os.MkdirAll(into, 0o750); err != nil {
		return err
	}
	data := filepath.Join(work, "eventflow_data")
	if err := makeOne(ctx, binary, "sqlite:"+data, filepath.Join(into, "sqlite.json")); err != nil {
		return fmt.Errorf("on SQLite: %w", err)
	}
	if err := packFolder(data, filepath.Join(into, "sqlite.tar.gz")); err != nil {
		return err
	}
	store, err := newSchema(ctx)
	if err != nil {
		return err
	}
	if err := makeOne(ctx, binary, store, filepath.Join(into, "postgres.json")); err != nil {
		return fmt.Errorf("on PostgreSQL: %w", err)
	}
	return packSchema(ctx, store, filepath.Join(into, "postgres.sql.gz"))
}

// makeOne makes an installation, and writes down what must hold of it.
func makeOne(ctx context.Context, binary, store, known string) error {
	folder, err := os.MkdirTemp("", "eventflow-former-home-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
	secret, err := (&maker{binary: binary, home: folder}).command(ctx, "", "secret")
	if err != nil {
		return err
	}
	m := &maker{binary: binary, home: folder, store: store, installation: installation{Secret: secret}}
	if data, local := strings.CutPrefix(store, "sqlite:"); local {
		// Where `eventflow dev` looks for it.
		if err := os.MkdirAll(data, 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(data, "secret"), []byte(secret+"\n"), 0o600); err != nil {
			return err
		}
	}
	if err := m.make(ctx); err != nil {
		return err
	}
	return writeJSON(known, m.installation)
}
