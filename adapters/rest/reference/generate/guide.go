package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// guide is the page that has a list of the requests, between two marks.
const guide = "docs/api.md"

const (
	listBegins = "<!-- Written by `go generate ./adapters/rest/reference`, from here -->\n"
	listEnds   = "<!-- to here -->\n"
)

// listed is the guide with the list of the requests that there are.
func listed(root string) ([]byte, error) {
	document, err := build(root)
	if err != nil {
		return nil, err
	}
	kept, err := os.ReadFile(filepath.Join(root, guide))
	if err != nil {
		return nil, err
	}
	before, rest, begins := bytes.Cut(kept, []byte(listBegins))
	_, after, ends := bytes.Cut(rest, []byte(listEnds))
	if !begins || !ends {
		return nil, fmt.Errorf("%s has no place for the list of requests", guide)
	}
	var list strings.Builder
	for _, tag := range document.Tags {
		fmt.Fprintf(&list, "\n## %s\n\n| request | what it does | permission |\n| --- | --- | --- |\n", tag.Name)
		for _, path := range document.Paths {
			for _, method := range path.Value {
				if o := method.Value; o.Tags[0] == tag.Name {
					says := strings.TrimSpace(o.Summary + " " + o.Description)
					fmt.Fprintf(&list, "| `%s %s` | %s | %s |\n", strings.ToUpper(method.Name), path.Name, says, o.Permission)
				}
			}
		}
	}
	list.WriteString("\n")
	return slices.Concat(before, []byte(listBegins), []byte(list.String()), []byte(listEnds), after), nil
}
