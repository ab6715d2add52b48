// Package sqlitefile holds what the log and the catalog have in common where
// both are kept in SQLite: which folder a URL names, how a file in it is opened
// so that a commit survives a power cut, and what SQLite's refusals mean.
package sqlitefile

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
)

// Folder is the folder that a URL of the scheme sqlite names: `sqlite:FOLDER` is
// relative to the working folder, `sqlite:///FOLDER` is absolute. The name is
// decoded once, so a folder that has a %, # or ? in its name is written with
// %25, %23 or %3F. Folder only reads the URL; [MakeFolder] makes the folder.
//
// The text of an error continues a sentence about the URL: "must name a folder".
func Folder(u *url.URL) (string, error) {
	if u.RawQuery != "" {
		parameter, _, _ := strings.Cut(u.RawQuery, "=") // its value may be a secret
		return "", fmt.Errorf("must name a folder and nothing else, but continues with %q: remove that, "+
			"or write ? as %%3F if it is part of the folder's name", "?"+parameter)
	}
	if u.Fragment != "" {
		return "", fmt.Errorf("must name a folder and nothing else, but continues with %q: remove that, "+
			"or write # as %%23 if it is part of the folder's name", "#"+u.Fragment)
	}
	folder := u.Host + u.Path // which url.Parse has decoded
	if u.Opaque != "" {       // which it has not
		var err error
		if folder, err = url.PathUnescape(u.Opaque); err != nil {
			return "", fmt.Errorf("must name a folder, with %% in the folder's name written as %%25: %w", err)
		}
	}
	if folder == "" {
		return "", errors.New("must name a folder, like sqlite:./eventflow_data")
	}
	return folder, nil
}

// MakeFolder makes a data folder, and the folders above it, where they are
// missing. Only the owner may look into what it makes. A folder that is there
// already stays as it is: the files in it are private by themselves.
func MakeFolder(folder string) error { return os.MkdirAll(folder, 0o700) }
