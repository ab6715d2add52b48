package reference

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // of the page's template and style
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"regexp"
	"strings"
	"sync"
)

//go:embed page.html
var pageText string

//go:embed page.css
var style string

// HTML returns the document as a page. Nobody may change it. It needs no script, and loads
// nothing.
var HTML = sync.OnceValues(func() (File, error) {
	read, err := Read()
	if err != nil {
		return File{}, err
	}
	functions := template.FuncMap{"prose": prose, "curl": curl, "fields": fields, "kind": kind, "anchor": anchor, "refusals": refusals}
	page, err := template.New("page").Funcs(functions).Parse(pageText)
	if err != nil {
		return File{}, err
	}
	var body bytes.Buffer
	err = page.Execute(&body, struct {
		Document
		Style    template.CSS
		Sections []section
		Groups   []group
	}{read, template.CSS(style), sections(read.Info.Description), groups(read)}) //nolint:gosec // it is embedded
	if err != nil {
		return File{}, err
	}
	sum := sha256.Sum256([]byte(style))
	csp := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	return newFile("text/html; charset=utf-8", body.Bytes(), csp)
})

// section is a part of the introduction.
type section struct{ Title, Text string }

func sections(text string) (all []section) {
	for i, part := range strings.Split(text, "\n## ") {
		title, rest, _ := strings.Cut(part, "\n")
		if i == 0 {
			title, rest = "", part
		}
		all = append(all, section{title, strings.TrimSpace(rest)})
	}
	return all
}

// group is the operations of a tag.
type group struct {
	Tag
	Operations []placed
}

// placed is an operation and where it is.
type placed struct {
	*Operation
	Method, Path string
}

func groups(read Document) (all []group) {
	for _, tag := range read.Tags {
		made := group{Tag: tag}
		for _, path := range read.Paths {
			for _, method := range path.Value {
				if method.Value.Tags[0] == tag.Name {
					made.Operations = append(made.Operations, placed{method.Value, strings.ToUpper(method.Name), path.Name})
				}
			}
		}
		all = append(all, made)
	}
	return all
}

var code = regexp.MustCompile("`([^`]+)`")

// prose writes the little Markdown that the document has: paragraphs and code.
func prose(text string) template.HTML {
	var out strings.Builder
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if paragraph = strings.TrimSpace(paragraph); paragraph != "" {
			out.WriteString("<p>" + code.ReplaceAllString(template.HTMLEscapeString(paragraph), "<code>$1</code>") + "</p>")
		}
	}
	return template.HTML(out.String()) //nolint:gosec // escaped above
}

// anchor is the place of a text in the page.
func anchor(text string) string { return strings.ToLower(strings.ReplaceAll(text, " ", "-")) }

// curl is a request as one types it.
func curl(o placed) string {
	path := o.Path
	for _, parameter := range o.Parameters {
		if example, ok := parameter.Example.(string); ok && parameter.In == "path" {
			path = strings.ReplaceAll(path, "{"+parameter.Name+"}", example)
		}
	}
	line := "curl"
	if o.Method != http.MethodGet {
		line += " -X " + o.Method
	}
	line += ` "$URL` + path + `"`
	if o.Permission != "" || len(o.Security) > 0 && o.Security[0]["key"] != nil {
		line += ` -H "X-API-Key: $KEY"`
	}
	if o.Body == nil {
		return line
	}
	media, _ := o.Body.Content.Get("application/json")
	if media.Example == nil {
		return ""
	}
	var compact bytes.Buffer
	if json.Compact(&compact, media.Example) != nil {
		return ""
	}
	return line + " \\\n  -H 'Content-Type: application/json' \\\n  -d '" + strings.ReplaceAll(compact.String(), "'", `'\''`) + "'"
}

// field is a member of an object, as the page shows it.
type field struct {
	Name     string
	Required bool
	*Schema
}

func fields(schema *Schema) (all []field) {
	for _, member := range schema.Properties {
		required := false
		for _, name := range schema.Required {
			required = required || name == member.Name
		}
		all = append(all, field{member.Name, required, member.Value})
	}
	return all
}

const schemaPlace = "#/components/schemas/"

// kind says of which type a value is. Types with a name are links.
func kind(schema *Schema) template.HTML {
	switch {
	case schema == nil:
		return ""
	case schema.Ref != "":
		name := template.HTMLEscapeString(strings.TrimPrefix(schema.Ref, schemaPlace))
		return template.HTML(`<a href="#type-` + name + `">` + name + `</a>`) //nolint:gosec // escaped above
	case schema.AnyOf != nil:
		var all []string
		for _, one := range schema.AnyOf {
			all = append(all, string(kind(one)))
		}
		return template.HTML(strings.Join(all, " or ")) //nolint:gosec // made here
	case schema.Items != nil:
		return "array of " + kind(schema.Items)
	case schema.Enum != nil:
		return template.HTML(template.HTMLEscapeString(strings.Join(schema.Enum, ", "))) //nolint:gosec // escaped
	}
	name := "any JSON"
	switch of := schema.Type.(type) {
	case string:
		name = of
	case []any:
		name = fmt.Sprintf("%v or %v", of...)
	}
	if schema.Format != "" && !strings.HasPrefix(schema.Format, "int") {
		name += " (" + schema.Format + ")"
	}
	return template.HTML(template.HTMLEscapeString(name + bounds(schema))) //nolint:gosec // escaped
}

// bounds are the limits of a value, in words.
func bounds(schema *Schema) string {
	switch {
	case schema.MaxLength != nil && schema.MinLength != nil:
		return fmt.Sprintf(", %d to %d characters", *schema.MinLength, *schema.MaxLength)
	case schema.MaxLength != nil:
		return fmt.Sprintf(", at most %d characters", *schema.MaxLength)
	case schema.Minimum != nil && schema.Maximum != nil:
		return fmt.Sprintf(", %.15g to %.15g", *schema.Minimum, *schema.Maximum)
	case schema.Minimum != nil:
		return fmt.Sprintf(", at least %.15g", *schema.Minimum)
	case schema.MaxItems != nil:
		return fmt.Sprintf(", at most %d", *schema.MaxItems)
	}
	return ""
}

const answerPlace = "#/components/responses/"

// refusals are the statuses of an operation that mean the same everywhere. The page tells of
// each once, at the place to which these lead.
func refusals(o *Operation) (statuses []string) {
	for _, answer := range o.Answers {
		if name, shared := strings.CutPrefix(answer.Value.Ref, answerPlace); shared {
			statuses = append(statuses, name)
		}
	}
	return statuses
}
