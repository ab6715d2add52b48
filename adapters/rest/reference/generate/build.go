package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/reference"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

// packages are the folders whose comments are read.
var packages = []string{"core", "adapters/rest", "adapters/rest/server", "adapters/rest/reference/generate"}

// build makes the document of the routes that there are. root is the folder of the module.
func build(root string) (reference.Document, error) {
	read, err := readComments(root, packages...)
	if err != nil {
		return reference.Document{}, err
	}
	b := &builder{schemas: schemas{comments: read, types: map[string]reflect.Type{}}}
	b.document = reference.Document{
		OpenAPI: "3.1.0",
		Info: reference.Info{
			Title: "EventFlow", Description: introduction, Version: "1", License: &reference.License{Name: "Apache 2.0", Identifier: "Apache-2.0"},
		},
	}
	for _, tag := range tags {
		b.document.Tags = append(b.document.Tags, reference.Tag{Name: tag.name, Description: tag.says})
	}
	b.refusals()
	b.closed = true
	for _, route := range slices.Sorted(maps.Keys(operations)) {
		if body := operations[route].body; body != nil {
			b.of(reflect.TypeOf(body))
		}
	}
	b.closed = false
	for i, route := range server.Routes() {
		if err := b.add(route, read.routes[i]); err != nil {
			return reference.Document{}, err
		}
	}
	slices.SortFunc(b.made, func(a, b reference.Member[*reference.Schema]) int { return strings.Compare(a.Name, b.Name) })
	b.document.Components.Schemas = b.made
	b.document.Components.Security = security
	return b.document, nil
}

var security = reference.Members[*reference.Security]{
	{Name: "key", Value: &reference.Security{Type: "apiKey", Name: rest.HeaderAPIKey, In: "header", Description: "An API key, a service token or an access token."}},
	{Name: "bearer", Value: &reference.Security{Type: "http", Scheme: "bearer", Description: "The same."}},
	{Name: "refresh", Value: &reference.Security{Type: "apiKey", Name: rest.RefreshCookie, In: "cookie", Description: "The refresh token of a browser. Other programs send it in the body."}},
	{Name: "metrics", Value: &reference.Security{Type: "http", Scheme: "bearer", Description: "The token of the metrics, where the server has one."}},
}

type builder struct {
	schemas
	document reference.Document
	ids      []string
}

// add adds the operation of a route.
func (b *builder) add(route server.Route, handler string) error {
	path := pathOf(route.Path)
	o, known := operations[route.Method+" "+path]
	if !known {
		return fmt.Errorf("nothing is said about %s %s: add it to operations in adapters/rest/reference/generate", route.Method, path)
	}
	made := &reference.Operation{
		Tags: []string{tagOf(route.Method, path)}, ID: b.id(handler, route.Method, path), Summary: b.handlers[handler], Description: o.more,
		Security: securityOf(route), Parameters: parametersOf(route.Method, path, o),
	}
	if route.Action != server.Anybody {
		made.Permission = string(route.Action)
	}
	if o.body != nil {
		made.Body = &reference.Body{Required: !o.optional, Content: b.bodies(o)}
	}
	made.Answers = b.answers(route, o)
	place := slices.IndexFunc(b.document.Paths, func(m reference.Member[reference.Members[*reference.Operation]]) bool { return m.Name == path })
	if place < 0 {
		place = len(b.document.Paths)
		b.document.Paths = append(b.document.Paths, reference.Member[reference.Members[*reference.Operation]]{Name: path})
	}
	operations := &b.document.Paths[place].Value
	*operations = append(*operations, reference.Member[*reference.Operation]{Name: strings.ToLower(route.Method), Value: made})
	return nil
}

// pathOf writes the parameters of a path as OpenAPI does.
func pathOf(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

func tagOf(method, path string) string {
	path = strings.TrimPrefix(path, rest.Prefix)
	for _, tag := range tags {
		want := ""
		for word := range strings.FieldsSeq(tag.paths) {
			if word == "GET" || word == "POST" {
				want = word
				continue
			}
			if strings.HasPrefix(path, word) && (want == "" || want == method) {
				return tag.name
			}
			want = ""
		}
	}
	return tags[len(tags)-1].name
}

// id is the name of an operation: its handler's, or that of its path where a handler has
// several.
func (b *builder) id(handler, method, path string) string {
	id := handler
	if slices.Contains(b.ids, id) {
		id = strings.ToLower(method)
		for part := range strings.SplitSeq(strings.TrimPrefix(path, rest.Prefix), "/") {
			for piece := range strings.SplitSeq(strings.Trim(part, "{}"), "-") {
				if piece != "" {
					id += strings.ToUpper(piece[:1]) + piece[1:]
				}
			}
		}
	}
	if slices.Contains(b.ids, id) {
		id = strings.ToLower(method) + "All" + strings.TrimPrefix(id, strings.ToLower(method))
	}
	b.ids = append(b.ids, id)
	return id
}

// securityOf lists the credentials of which one opens a route.
func securityOf(route server.Route) []map[string][]string {
	switch {
	case route.Path == "/metrics":
		return []map[string][]string{{"metrics": {}}, {}}
	case strings.HasPrefix(route.Path, rest.AuthPath+"/refresh"), strings.HasPrefix(route.Path, rest.AuthPath+"/switch"), strings.HasPrefix(route.Path, rest.AuthPath+"/logout"):
		return []map[string][]string{{"refresh": {}}, {}}
	case route.Action == server.Public:
		return []map[string][]string{}
	}
	return []map[string][]string{{"key": {}}, {"bearer": {}}}
}

func (b *builder) bodies(o operation) reference.Members[reference.Media] {
	schema := b.of(reflect.TypeOf(o.body))
	if schema.Type == "array" {
		schema.MaxItems = new(core.MaxBatchEvents)
	}
	content := reference.Members[reference.Media]{{Name: rest.TypeJSON, Value: reference.Media{Schema: schema, Example: example(o.example)}}}
	for _, media := range o.media {
		content = append(content, reference.Member[reference.Media]{Name: media})
	}
	return content
}

// example is an example with something in the places that tests fill in.
func example(text string) json.RawMessage {
	filled := strings.NewReplacer("{lease}", "0198c0de-7a1b-7c3d-8e4f-5a6b7c8d9e0f", "{offset}", "41", "{refresh}", "…").Replace(text)
	return json.RawMessage(filled)
}

// answers are the successes of an operation and its refusals.
func (b *builder) answers(route server.Route, o operation) (all reference.Members[reference.Answer]) {
	for status := 200; status < 600; status++ {
		body, ok := o.answers[status]
		if !ok {
			continue
		}
		answer := reference.Answer{Description: statusText(status), Headers: headersOf(route.Method, status, o)}
		if body != nil {
			answer.Content = append(answer.Content, reference.Member[reference.Media]{Name: rest.TypeJSON, Value: reference.Media{Schema: b.body(body)}})
		}
		if status < 300 {
			for _, media := range o.also {
				answer.Content = append(answer.Content, reference.Member[reference.Media]{Name: media})
			}
		}
		all = append(all, reference.Member[reference.Answer]{Name: strconv.Itoa(status), Value: answer})
	}
	for _, status := range refused(route, o) {
		name := strconv.Itoa(status)
		refusal := reference.Answer{Ref: "#/components/responses/" + name}
		if o.batch {
			refusal = reference.Answer{Description: b.titles(status), Content: problem(b.of(reflect.TypeFor[BatchProblem]()))}
		}
		if at := slices.IndexFunc(all, func(m reference.Member[reference.Answer]) bool { return m.Name == name }); at >= 0 {
			all[at].Value.Description = b.titles(status)
			all[at].Value.Content = append(all[at].Value.Content, problem(b.of(reflect.TypeFor[BatchProblem]()))...)
			continue
		}
		all = append(all, reference.Member[reference.Answer]{Name: name, Value: refusal})
	}
	slices.SortFunc(all, func(a, b reference.Member[reference.Answer]) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func (b *builder) body(body any) *reference.Schema {
	several, ok := body.(either)
	if !ok {
		return b.of(reflect.TypeOf(body))
	}
	schema := &reference.Schema{}
	for _, one := range several {
		schema.AnyOf = append(schema.AnyOf, b.of(reflect.TypeOf(one)))
	}
	return schema
}

func headersOf(method string, status int, o operation) (all reference.Members[reference.Header]) {
	if o.revised && status < 204 && method != "DELETE" {
		all = append(all, reference.Member[reference.Header]{Name: "ETag", Value: reference.Header{Description: "The revision.", Schema: text()}})
	}
	if o.located && (status == 201 || status == 202) {
		all = append(all, reference.Member[reference.Header]{Name: "Location", Value: reference.Header{Description: "Where it is.", Schema: text()}})
	}
	return all
}

func statusText(status int) string {
	switch status {
	case 200:
		return "Done."
	case 201:
		return "It was made."
	case 202:
		return "It was taken."
	case 204:
		return "Done. There is no body."
	case 207:
		return "Some were taken."
	case 400:
		return "None was taken."
	}
	return "The server cannot serve requests."
}
