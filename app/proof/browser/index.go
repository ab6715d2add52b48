package browser

import (
	"errors"
	"fmt"
	"html/template"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// IndexName is the file that [WriteIndex] writes.
const IndexName = "index.html"

// shot is a screen's picture, light and dark; what there is none of is "".
type shot struct{ Name, Light, Dark string }

// shots are the pictures of a group.
type shots struct {
	Group string
	All   []shot
}

// shotGroups are the words that a picture's name may begin with, in the order of
// the index, and what they are of.
var shotGroups = []struct{ name, of string }{
	{"empty", "a program with nothing but its demo"},
	{"full", "a program that is used"},
	{"phone", "the same on a phone"},
	{"tablet", "long names on a tablet"},
	{"review", "bugs that were mended"},
	{"anonymous", "before one is signed in"},
	{"error", "the server fails"},
	{"offline", "the server is not there"},
	{"forbidden", "the role does not permit it"},
	{"hostile", "names and events that try to break out"},
	{"failed", "tests that failed"},
	{"", "others"},
}

// WriteIndex writes a page that shows the pictures in a folder, by group and
// light beside dark. A picture's name is GROUP-NAME.png or GROUP-NAME-dark.png.
func WriteIndex(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var names []string
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) == ".png" {
			names = append(names, entry.Name())
		}
	}
	file, err := os.OpenFile(filepath.Join(folder, IndexName), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := indexPage.Execute(file, pair(names)); err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", IndexName, err), file.Close())
	}
	return file.Close()
}

// pair puts dark pictures beside light ones, and both into their groups.
func pair(files []string) (groups []shots) {
	found := map[string]*shot{}
	for _, file := range files {
		name, dark := strings.CutSuffix(strings.TrimSuffix(file, ".png"), "-dark")
		if found[name] == nil {
			found[name] = &shot{}
		}
		if dark {
			found[name].Dark = file
		} else {
			found[name].Light = file
		}
	}
	names := slices.Sorted(maps.Keys(found))
	for _, group := range shotGroups {
		of := shots{Group: group.of}
		for _, name := range names {
			rest, fits := strings.CutPrefix(name, group.name+"-")
			if group.name == "" {
				rest, fits = name, true
			}
			if one := found[name]; fits && one.Name == "" {
				one.Name = rest
				of.All = append(of.All, *one)
			}
		}
		if len(of.All) > 0 {
			groups = append(groups, of)
		}
	}
	return groups
}

var indexPage = template.Must(template.New("index").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>EventFlow: every screen</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 24px 48px; background: #e2e8f0; color: #0f172a; }
nav { position: sticky; top: 0; padding: 12px 0; background: #e2e8f0; display: flex; gap: 16px; flex-wrap: wrap; }
section { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(560px, 100%), 1fr)); gap: 24px; }
figure { margin: 0; }
figure div { display: flex; gap: 8px; align-items: flex-start; }
a { color: inherit; flex: 1; }
nav a { flex: none; }
img { max-width: 100%; border: 1px solid #94a3b8; border-radius: 6px; background: #fff; }
</style>
</head>
<body>
<h1>Every screen</h1>
<nav aria-label="Groups">{{range $i, $group := .}}<a href="#group-{{$i}}">{{.Group}} ({{len .All}})</a>{{end}}</nav>
{{range $i, $group := .}}<h2 id="group-{{$i}}">{{.Group}}</h2>
<section>
{{range .All}}<figure><figcaption>{{.Name}}</figcaption><div>
{{- if .Light}}<a href="{{.Light}}"><img src="{{.Light}}" alt="{{.Name}}, light" loading="lazy"></a>{{end}}
{{- if .Dark}}<a href="{{.Dark}}"><img src="{{.Dark}}" alt="{{.Name}}, dark" loading="lazy"></a>{{end}}</div></figure>
{{end}}</section>
{{end}}</body>
</html>
`))
