// Command generate writes the reference of the API: openapi.json in the folder above, and the
// list of requests in docs/api.md. What it says comes from the routes, from the types of requests and answers, and from the comments
// of both; what these cannot say is in operations.go and limits.go.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := generate(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// generate writes the document.
func generate() error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	for place, write := range files {
		text, err := write(root)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(root, place), text, 0o644); err != nil { //nolint:gosec // a source file, for everybody to read
			return err
		}
	}
	return nil
}

// files are what is written, and how.
var files = map[string]func(root string) ([]byte, error){
	"adapters/rest/reference/openapi.json": written,
	guide:                                  listed,
}

// written is the document as it is kept.
func written(root string) ([]byte, error) {
	document, err := build(root)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	err = encoder.Encode(document)
	return text.Bytes(), err
}

// moduleRoot is the folder of the module that this runs in.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	for ; err == nil; folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		if folder == filepath.Dir(folder) {
			return "", fmt.Errorf("no go.mod is above the working directory")
		}
	}
	return "", err
}
