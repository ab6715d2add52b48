package compat

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// document is a schema as a whole.
type document struct {
	root any
	// older says that the document is of a draft before 2020-12, and refAlone that a
	// $ref hides what stands beside it, as it did until draft 7.
	older, refAlone bool
	// strange says why the document cannot be compared with any other, or is empty.
	strange string
	// patterns are the expressions that were compiled, nil for those that cannot be.
	patterns map[string]*regexp.Regexp
}

// newDocument decodes a schema. Numbers stay as they are written.
func newDocument(text []byte) *document {
	d := &document{patterns: map[string]*regexp.Regexp{}}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&d.root) != nil {
		d.strange = "valid JSON"
		return d
	}
	schema, _ := d.root.(map[string]any)
	draft, given := schema["$schema"].(string)
	switch draft = strings.TrimSuffix(draft, "#"); {
	case !given, strings.HasSuffix(draft, "json-schema.org/draft/2020-12/schema"):
	case strings.HasSuffix(draft, "json-schema.org/draft/2019-09/schema"):
		d.older = true
	case strings.HasSuffix(draft, "json-schema.org/draft-07/schema"), strings.HasSuffix(draft, "json-schema.org/draft-06/schema"):
		d.older, d.refAlone = true, true
	default:
		d.strange = "the draft " + draft + ", whose schemas are not compared"
	}
	return d
}

func (d *document) part() part { return part{doc: d}.with(d.root, "") }

// part is a schema within a document: true, false or an object of keywords.
type part struct {
	doc    *document
	schema any
	// at is the JSON pointer of the schema. A schema that was made for the sake of a
	// proof has a name that no pointer has: two schemas never have one name.
	at string
}

// with returns another schema of the same document. Schemas of older drafts become such
// as 2020-12 has.
func (p part) with(schema any, at string) part {
	made := part{p.doc, schema, at}
	object, is := schema.(map[string]any)
	if !is {
		return made
	}
	_, id := object["$id"]
	_, draft := object["$schema"]
	if at != "" && (id || draft) {
		// References within it start from there. $dynamicRef stands for all that cannot be
		// followed.
		made.schema = map[string]any{"$dynamicRef": object["$id"]}
		return made
	}
	if p.doc.older {
		made.schema = p.doc.modern(object)
	}
	return made
}

// modern says in the words of 2020-12 what a schema of an older draft says.
func (d *document) modern(old map[string]any) map[string]any {
	if ref, is := old["$ref"]; is && d.refAlone {
		return map[string]any{"$ref": ref}
	}
	schema := maps.Clone(old)
	delete(schema, "prefixItems")
	if d.refAlone {
		for _, unknown := range []string{
			"minContains", "maxContains", "dependentRequired", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems",
		} {
			delete(schema, unknown)
		}
	}
	if items, many := schema["items"].([]any); many {
		delete(schema, "items")
		schema["prefixItems"] = items
		if rest, is := schema["additionalItems"]; is {
			schema["items"] = rest
		}
	}
	return schema
}

// keywords returns the keywords of a schema that is an object.
func (p part) keywords() map[string]any {
	keywords, _ := p.schema.(map[string]any)
	return keywords
}

// in returns the schema below a keyword.
func (p part) in(keyword string) (part, bool) {
	schema, is := p.keywords()[keyword]
	return p.with(schema, p.at+"/"+keyword), is
}

// list returns the schemas of a keyword that has several.
func (p part) list(keyword string) (all []part) {
	schemas, _ := p.keywords()[keyword].([]any)
	for i, schema := range schemas {
		all = append(all, p.with(schema, p.at+"/"+keyword+"/"+strconv.Itoa(i)))
	}
	return all
}

// named returns the schemas of a keyword that has them by name.
func (p part) named(keyword string) map[string]part {
	schemas, _ := p.keywords()[keyword].(map[string]any)
	all := make(map[string]part, len(schemas))
	for name, schema := range schemas {
		all[name] = p.with(schema, p.at+"/"+keyword+"/"+escapes.Replace(name))
	}
	return all
}

var (
	escapes   = strings.NewReplacer("~", "~0", "/", "~1")
	unescapes = strings.NewReplacer("~1", "/", "~0", "~")
)

// referred returns what the $ref of a schema leads to. Only pointers within the document
// are followed.
func (p part) referred() (part, bool) {
	ref, _ := p.keywords()["$ref"].(string)
	pointer, local := strings.CutPrefix(ref, "#")
	if !local || strings.Contains(pointer, "%") || pointer != "" && pointer[0] != '/' {
		return part{}, false
	}
	value := p.doc.root
	for i, step := range strings.Split(pointer, "/") {
		if i == 0 {
			continue
		}
		switch within := value.(type) {
		case map[string]any:
			if _, elsewhere := within["$id"]; elsewhere && i > 1 {
				return part{}, false
			}
			value = within[unescapes.Replace(step)]
		case []any:
			index, err := strconv.Atoi(step)
			if err != nil || index < 0 || index >= len(within) {
				return part{}, false
			}
			value = within[index]
		default:
			return part{}, false
		}
	}
	switch value.(type) {
	case map[string]any, bool:
		return p.with(value, pointer), true
	}
	return part{}, false
}

// conjuncts returns the schemas that every value of some schemas fits: these, what they
// refer to, and their allOf. A reference that cannot be followed is left out.
func conjuncts(of []part) (all []part) {
	seen := map[part]bool{}
	var add func(part)
	add = func(p part) {
		mark := part{doc: p.doc, at: p.at}
		if seen[mark] || p.schema == true || len(all) > 500 { //nolint:revive // it may be no boolean
			return
		}
		seen[mark] = true
		all = append(all, p)
		for _, one := range p.list("allOf") {
			add(one)
		}
		if target, ok := p.referred(); ok {
			add(target)
		}
	}
	for _, p := range of {
		add(p)
	}
	if len(all) == 0 {
		return of[:min(len(of), 1)] // it takes everything, and has a place
	}
	return all
}

// pure reports whether a schema means the same wherever it stands.
func pure(schema any) bool {
	switch schema := schema.(type) {
	case []any:
		return !slices.ContainsFunc(schema, func(one any) bool { return !pure(one) })
	case map[string]any:
		for name, value := range schema {
			if name == "$ref" || name == "$dynamicRef" || name == "$recursiveRef" || name == "$id" || name == "$schema" || !pure(value) {
				return false
			}
		}
	}
	return true
}

// sameDraft reports whether a schema means the same in both documents.
func sameDraft(a, b part) bool { return a.doc.older == b.doc.older && a.doc.refAlone == b.doc.refAlone }

// maxPlace bounds the text of a place, in bytes.
const maxPlace = 300

// made begins what is added to the pointer of a schema that was made from it.
const made = "\x00"

// place writes a pointer for people.
func place(at string) string {
	steps := strings.Split(at, "/")
	for i := range steps {
		steps[i], _, _ = strings.Cut(steps[i], made)
	}
	return cut("schema"+strings.Join(steps, "/"), maxPlace)
}

// cut shortens a text.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
