package archive

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Bucket keeps objects by their names, which have slashes as paths do. It is safe for
// concurrent use. Its errors say nothing that a name or a secret in a URL would.
type Bucket interface {
	// Put stores an object and returns once it is durable. Until then nobody sees any of
	// it. It replaces one of the same name.
	Put(ctx context.Context, name string, content []byte) error
	// Get returns an object, or an error that wraps [ErrMissing].
	Get(ctx context.Context, name string) ([]byte, error)
	// Remove removes an object. One that is not there is no error.
	Remove(ctx context.Context, name string) error
	// Check returns nil when the bucket is there and answers.
	Check(ctx context.Context) error
	Close() error
}

// ErrMissing marks that a bucket answers and an object is not there.
var ErrMissing = errors.New("there is no such object")

// Keys are what a bucket of the S3 API lets one in by. Without them they are looked for
// where programs on Amazon's machines find them.
type Keys struct{ Access, Secret string }

// Open opens the bucket that a URL names. It does not look whether it answers.
//
//	s3://bucket/prefix?endpoint=https://s3.example.com&region=eu-central-1&path_style=true
//	file:///srv/archive
func Open(text string, keys Keys) (Bucket, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("must be a URL like s3://bucket/prefix?region=eu-central-1 or file:///srv/archive")
	}
	if u.User != nil {
		return nil, errors.New("must hold no credentials: archive-access-key and archive-secret-key do")
	}
	switch u.Scheme {
	case "s3":
		return openS3(u, keys)
	case "file":
		return openFolder(u)
	}
	return nil, fmt.Errorf("has the scheme %q; it must be s3://bucket/prefix or file:///folder", u.Scheme)
}

// checkQuery refuses parameters that nobody reads.
func checkQuery(u *url.URL, known ...string) error {
	for name := range u.Query() {
		found := false
		for _, one := range known {
			found = found || one == name
		}
		if !found {
			return fmt.Errorf("has the unknown parameter %q; there are %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}
