package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// folder is a bucket of files, for instance on a disk that is mounted from elsewhere.
type folder struct{ path string }

func openFolder(u *url.URL) (Bucket, error) {
	if err := checkQuery(u); err != nil {
		return nil, err
	}
	if u.Host != "" || !strings.HasPrefix(u.Path, "/") {
		return nil, errors.New("must name a folder from the root on, like file:///srv/archive")
	}
	return folder{filepath.Clean(filepath.FromSlash(u.Path))}, nil
}

// Put implements [Bucket]: it writes another file and renames that.
func (b folder) Put(_ context.Context, name string, content []byte) (err error) {
	if err := b.Check(context.Background()); err != nil {
		return err
	}
	path := filepath.Join(b.path, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return cause(err)
	}
	sweep(filepath.Dir(path))
	file, err := os.CreateTemp(filepath.Dir(path), part+"*")
	if err != nil {
		return cause(err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name()) // nobody takes it for an object
		}
	}()
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return cause(err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return cause(err)
	}
	return b.flush(filepath.Dir(path))
}

// part is how the name of a file begins that is not an object yet.
const part = ".part-"

// sweep removes the files of a folder that somebody was killed over. Nobody writes one for
// an hour. What cannot be removed is for the next one.
func sweep(path string) {
	files, _ := os.ReadDir(path)
	for _, file := range files {
		info, err := file.Info()
		if err == nil && strings.HasPrefix(file.Name(), part) && time.Since(info.ModTime()) > time.Hour {
			_ = os.Remove(filepath.Join(path, file.Name()))
		}
	}
}

// flush makes the names durable that were made in a folder and those above it.
func (b folder) flush(path string) error {
	for {
		opened, err := os.Open(path)
		if err != nil {
			return cause(err)
		}
		if err := errors.Join(opened.Sync(), opened.Close()); err != nil {
			return cause(err)
		}
		if len(path) <= len(b.path) {
			return nil
		}
		path = filepath.Dir(path)
	}
}

// Get implements [Bucket].
func (b folder) Get(_ context.Context, name string) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(b.path, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		if err := b.Check(context.Background()); err != nil {
			return nil, err
		}
		return nil, ErrMissing
	}
	return content, cause(err)
}

// Remove implements [Bucket]. It takes away the folders that get empty.
func (b folder) Remove(_ context.Context, name string) error {
	if err := b.Check(context.Background()); err != nil {
		return err
	}
	path := filepath.Join(b.path, filepath.FromSlash(name))
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cause(err)
	}
	for path = filepath.Dir(path); len(path) > len(b.path); path = filepath.Dir(path) {
		if os.Remove(path) != nil { // it is not empty
			return nil //nolint:nilerr // a folder that others use stays
		}
	}
	return nil
}

// Check implements [Bucket]. A folder that is not there is not made: it may be a disk that
// is not mounted.
func (b folder) Check(context.Context) error {
	info, err := os.Stat(b.path)
	if err == nil && !info.IsDir() {
		err = errors.New("it is no folder")
	}
	if err != nil {
		return fmt.Errorf("the folder of the archive cannot be used: %w", cause(err))
	}
	return nil
}

// Close implements [Bucket].
func (b folder) Close() error { return nil }

// cause is an error without the path, which is nobody's business who only reads events.
func cause(err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return of.Err
	}
	if of, ok := errors.AsType[*os.LinkError](err); ok {
		return of.Err
	}
	return err
}
