package archive_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/archive"
	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/storetest"
)

var keys = archive.Keys{Access: "me", Secret: "a-secret-that-is-long-enough-1234"}

// s3URL names a bucket on an S3 server in memory, and returns what stops that.
func s3URL(t *testing.T) (url string, stop func()) {
	t.Helper()
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("events"))
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	return "s3://events/old/ones?path_style=true&endpoint=" + server.URL, server.Close
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	inS3, _ := s3URL(t)
	for name, url := range map[string]string{"s3": inS3, "file": "file://" + t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bucket, err := archive.Open(url, keys)
			require.NoError(t, err)
			ctx, object := t.Context(), "org=1/stream=2/date=2026-03-01/a.ndjson.gz"
			require.NoError(t, bucket.Check(ctx))
			_, err = bucket.Get(ctx, object)
			require.ErrorIs(t, err, archive.ErrMissing)
			require.NoError(t, bucket.Remove(ctx, object), "one that is not there")
			for _, content := range []string{"first", "another one"} {
				require.NoError(t, bucket.Put(ctx, object, []byte(content)))
				got, err := bucket.Get(ctx, object)
				require.NoError(t, err)
				require.Equal(t, content, string(got))
			}
			require.NoError(t, bucket.Remove(ctx, object))
			_, err = bucket.Get(ctx, object)
			require.ErrorIs(t, err, archive.ErrMissing)
			require.NoError(t, bucket.Close())
		})
	}
}

// What somebody left who was killed while an object was written goes away. What somebody may
// be about to write stays.
func TestAFolderIsSwept(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	bucket, err := archive.Open("file://"+folder, keys)
	require.NoError(t, err)
	require.NoError(t, bucket.Put(t.Context(), "day/a", []byte("a")))
	left, fresh := filepath.Join(folder, "day", ".part-1"), filepath.Join(folder, "day", ".part-2")
	for _, path := range []string{left, fresh} {
		require.NoError(t, os.WriteFile(path, []byte("half"), 0o600))
	}
	long := time.Now().Add(-2 * time.Hour)
	require.NoError(t, os.Chtimes(left, long, long))
	require.NoError(t, bucket.Put(t.Context(), "day/b", []byte("b")))
	require.NoFileExists(t, left)
	require.FileExists(t, fresh)
}

// The guarantees of a tier hold over buckets as they are.
func TestStorageOverBuckets(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"s3", "file"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T) core.Storage {
				url := "file://" + t.TempDir()
				if name == "s3" {
					url, _ = s3URL(t)
				}
				bucket, err := archive.Open(url, keys)
				require.NoError(t, err)
				return opened(t, nil, memory.NewCatalog(), bucket)
			}, storetest.Features{Tiered: true})
		})
	}
}

// What fails says what and why, and nothing of where.
func TestFailuresOfBuckets(t *testing.T) {
	t.Parallel()
	url, stop := s3URL(t)
	bucket, err := archive.Open(url, keys)
	require.NoError(t, err)
	stop()
	_, err = bucket.Get(t.Context(), "a")
	require.ErrorContains(t, err, "the object store cannot be reached")
	require.NotContains(t, err.Error(), "127.0.0.1")
	require.NotErrorIs(t, err, archive.ErrMissing)
	require.Error(t, bucket.Check(t.Context()))

	other, _ := s3URL(t)
	bucket, err = archive.Open("s3://nothing"+other[len("s3://events"):], keys)
	require.NoError(t, err)
	require.ErrorContains(t, bucket.Put(t.Context(), "a", []byte("x")), "NoSuchBucket")

	place := filepath.Join(t.TempDir(), "unmounted")
	bucket, err = archive.Open("file://"+place, keys)
	require.NoError(t, err)
	for _, err := range []error{bucket.Check(t.Context()), bucket.Put(t.Context(), "a", nil), bucket.Remove(t.Context(), "a")} {
		require.ErrorContains(t, err, "the folder of the archive cannot be used")
		require.NotContains(t, err.Error(), place)
	}
	_, err = bucket.Get(t.Context(), "a")
	require.NotErrorIs(t, err, archive.ErrMissing, "a disk that is not mounted has lost nothing")
	require.NoFileExists(t, place)
}

func TestURLsOfBuckets(t *testing.T) {
	t.Parallel()
	for url, says := range map[string]string{
		"ftp://events":                       "the scheme",
		"s3://events?regoin=x":               `the unknown parameter "regoin"`,
		"s3://e?region=x":                    "names the bucket",
		"s3://me:secret@events":              "must hold no credentials",
		"s3://events?endpoint=minio:9000":    "an endpoint that is none",
		"s3://events?path_style=perhaps":     "neither true nor false",
		"file:relative":                      "from the root on",
		"file://host/folder":                 "from the root on",
		"file:///folder?region=eu-central-1": "the unknown parameter",
	} {
		_, err := archive.Open(url, keys)
		require.ErrorContains(t, err, says, url)
	}
	_, err := archive.Open("s3://events", archive.Keys{Access: "me"})
	require.ErrorContains(t, err, "archive-secret-key")
	bucket, err := archive.Open("s3://events", archive.Keys{})
	require.NoError(t, err)
	require.NoError(t, bucket.Close())
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	bucket, err = archive.Open("file://"+file, keys)
	require.NoError(t, err)
	require.ErrorContains(t, bucket.Check(t.Context()), "no folder")
}
