// Package referencetest holds servers to the reference of the API, in tests.
package referencetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/eventflow-go/eventflow/adapters/rest/reference"
)

// Transport passes requests on, and fails where an answer is not what the reference says:
// its status, its media type, the headers that it must have, and its body to the last
// member. It holds the bodies of requests that were taken to the reference as well. What is
// at no address of the API is passed on as it is.
type Transport struct {
	http.RoundTripper
	operations []operation
	// mu guards the compiler, which keeps what it has compiled.
	mu       sync.Mutex
	compiler *jsonschema.Compiler
}

type operation struct {
	*reference.Operation
	method   string
	parts    []string
	literals int
	place    string
}

// NewTransport returns a Transport over another one.
func NewTransport(over http.RoundTripper) (*Transport, error) {
	document, err := reference.Read()
	if err != nil {
		return nil, err
	}
	file, err := reference.JSON()
	if err != nil {
		return nil, err
	}
	var whole any
	if whole, err = jsonschema.UnmarshalJSON(bytes.NewReader(file.Body)); err != nil {
		return nil, err
	}
	closeObjects(whole)
	t := &Transport{RoundTripper: over, compiler: jsonschema.NewCompiler()}
	t.compiler.AssertFormat()
	if err := t.compiler.AddResource("openapi.json", whole); err != nil {
		return nil, err
	}
	for _, path := range document.Paths {
		for _, method := range path.Value {
			o := operation{Operation: method.Value, method: strings.ToUpper(method.Name), parts: strings.Split(path.Name, "/")}
			for _, part := range o.parts {
				if !strings.HasPrefix(part, "{") {
					o.literals++
				}
			}
			o.place = "openapi.json#/paths/" + strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(path.Name) + "/" + method.Name
			t.operations = append(t.operations, o)
		}
	}
	return t, nil
}

// closeObjects refuses members that a schema does not name. The reference leaves them open in
// answers, because there may be more of them one day.
func closeObjects(node any) {
	switch n := node.(type) {
	case map[string]any:
		_, open := n["additionalProperties"]
		if _, object := n["properties"].(map[string]any); object && !open && n["type"] == "object" {
			n["additionalProperties"] = false
		}
		for _, member := range n {
			closeObjects(member)
		}
	case []any:
		for _, element := range n {
			closeObjects(element)
		}
	}
}

// CloseIdleConnections closes those of the transport below.
func (t *Transport) CloseIdleConnections() {
	if below, ok := t.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		below.CloseIdleConnections()
	}
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	o := t.find(request.Method, request.URL.EscapedPath())
	if o == nil {
		return t.RoundTripper.RoundTrip(request)
	}
	sent, err := read(&request.Body, request.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	answer, err := t.RoundTripper.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if err := t.check(o, request, sent, answer); err != nil {
		_ = answer.Body.Close() // it is no answer
		return nil, fmt.Errorf("%s %s (%s) answers %d: %w", request.Method, request.URL, o.ID, answer.StatusCode, err)
	}
	return answer, nil
}

// find returns the operation of a request: that of the path with the most parts that are no
// parameters.
func (t *Transport) find(method, path string) (found *operation) {
	parts := strings.Split(path, "/")
	for i := range t.operations {
		o := &t.operations[i]
		if o.method == method && o.matches(parts) && (found == nil || o.literals > found.literals) {
			found = o
		}
	}
	return found
}

func (o *operation) matches(parts []string) bool {
	if len(parts) != len(o.parts) {
		return false
	}
	for i, part := range o.parts {
		if strings.HasPrefix(part, "{") && parts[i] == "" || !strings.HasPrefix(part, "{") && part != parts[i] {
			return false
		}
	}
	return true
}

// read returns a body of JSON, and leaves another in its place. Other bodies stay unread.
func read(body *io.ReadCloser, contentType string) ([]byte, error) {
	media, _, err := mime.ParseMediaType(contentType)
	if *body == nil || err != nil || media != "application/json" && media != "application/problem+json" {
		return nil, nil //nolint:nilerr // it is no JSON
	}
	all, err := io.ReadAll(*body)
	if err != nil {
		return nil, err
	}
	_ = (*body).Close() // it was read to its end
	*body = io.NopCloser(bytes.NewReader(all))
	return all, nil
}

func (t *Transport) check(o *operation, request *http.Request, sent []byte, answer *http.Response) error {
	status := strconv.Itoa(answer.StatusCode)
	if answer.StatusCode == http.StatusNotModified {
		return nil
	}
	said, ok := o.Answers.Get(status)
	if !ok {
		return fmt.Errorf("the reference has no such status")
	}
	for _, header := range said.Headers {
		if answer.Header.Get(header.Name) == "" {
			return fmt.Errorf("the header %s is missing", header.Name)
		}
	}
	taken := answer.StatusCode < 300 && answer.StatusCode != http.StatusMultiStatus
	if taken && len(sent) > 0 && isJSON(request.Header) {
		if err := t.fits(o.place+"/requestBody/content/application~1json/schema", sent); err != nil {
			return fmt.Errorf("although the body of the request %w", err)
		}
	}
	place := o.place + "/responses/" + status
	if name, shared := strings.CutPrefix(said.Ref, "#/components/responses/"); shared {
		place, said.Content = "openapi.json#/components/responses/"+name, nil
	}
	media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if media == "" || answer.Header.Get("Content-Encoding") != "" {
		return nil
	}
	if said.Content != nil {
		if _, ok := said.Content.Get(media); !ok {
			return fmt.Errorf("the reference has no %s here", media)
		}
	}
	received, err := read(&answer.Body, media)
	if err != nil || received == nil {
		return err
	}
	return t.fits(place+"/content/"+strings.ReplaceAll(media, "/", "~1")+"/schema", received)
}

// isJSON reports whether a body is JSON as it is, and no CloudEvent's data.
func isJSON(header http.Header) bool {
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	return err == nil && media == "application/json" && header.Get("Ce-Specversion") == "" && header.Get("Content-Encoding") == ""
}

func (t *Transport) fits(place string, body []byte) error {
	t.mu.Lock()
	schema, err := t.compiler.Compile(place)
	t.mu.Unlock()
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	if err := schema.Validate(value); err != nil {
		var shown bytes.Buffer
		_ = json.Compact(&shown, body) // it was read as JSON above
		return fmt.Errorf("does not fit: %w\n%.2000s", err, shown.String())
	}
	return nil
}
