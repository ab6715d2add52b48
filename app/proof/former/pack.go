package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/jackc/pgx/v5"
)

// schemaName is the schema in the dump. Who loads it puts another name there.
const schemaName = "eventflow_former"

// newSchema makes an empty schema on the server of EVENTFLOW_TEST_POSTGRES.
func newSchema(ctx context.Context) (store string, err error) {
	u, err := url.Parse(os.Getenv("EVENTFLOW_TEST_POSTGRES"))
	if err != nil || u.Host == "" {
		return "", errors.New("EVENTFLOW_TEST_POSTGRES is not set: run it by bin/testenv")
	}
	conn, err := pgx.Connect(ctx, u.String())
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx) //nolint:errcheck // the statement's result counts
	if _, err := conn.Exec(ctx, `create schema `+schemaName); err != nil {
		return "", err
	}
	query := u.Query()
	query.Set("search_path", schemaName)
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// packSchema dumps the schema as statements that need no psql, and drops it.
func packSchema(ctx context.Context, store, path string) error {
	u, err := url.Parse(store)
	if err != nil {
		return err
	}
	u.RawQuery = "sslmode=disable"
	dump := exec.CommandContext(ctx, "pg_dump", "--schema="+schemaName, "--inserts", "--no-owner", "--no-privileges", u.String())
	var text, complaint bytes.Buffer
	dump.Stdout, dump.Stderr = &text, &complaint
	if err := dump.Run(); err != nil {
		return fmt.Errorf("pg_dump: %w: %s", err, &complaint)
	}
	var statements bytes.Buffer
	for line := range bytes.Lines(text.Bytes()) {
		// What begins so is for psql alone, or says nothing.
		if !bytes.HasPrefix(line, []byte(`\`)) && !bytes.HasPrefix(line, []byte("--")) && len(line) > 1 {
			statements.Write(line)
		}
	}
	conn, err := pgx.Connect(ctx, store)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // the statement's result counts
	if _, err := conn.Exec(ctx, `drop schema `+schemaName+` cascade`); err != nil {
		return err
	}
	return compress(path, func(to io.Writer) error {
		_, err := statements.WriteTo(to)
		return err
	})
}

// packFolder puts the files of a folder into an archive.
func packFolder(folder, path string) error {
	return compress(path, func(to io.Writer) error {
		archive := tar.NewWriter(to)
		entries, err := os.ReadDir(folder)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
			if err != nil {
				return err
			}
			if err := archive.WriteHeader(&tar.Header{Name: entry.Name(), Mode: 0o600, Size: int64(len(text))}); err != nil {
				return err
			}
			if _, err := archive.Write(text); err != nil {
				return err
			}
		}
		return archive.Close()
	})
}

func compress(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	packed, _ := gzip.NewWriterLevel(file, gzip.BestCompression) // the level exists
	return errors.Join(write(packed), packed.Close(), file.Close())
}
