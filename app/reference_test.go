package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest/reference"
	"github.com/eventflow-go/eventflow/adapters/rest/reference/referencetest"
)

// readersStep performs the example of an operation. keep are places in the answer that later steps
// need, each as `name=member` or `name=member.member`.
type readersStep struct{ operation, keep string }

// readersSteps are the examples of the reference in an order in which each finds what it needs.
var readersSteps = []readersStep{
	{"getRoot", ""},
	{"getReady", ""},
	{"getAlive", ""},
	{"getDocs", ""},
	{"getOpenAPI", ""},
	{"getHealth", ""},
	{"getMe", ""},
	{"getRoles", ""},
	{"getSystem", ""},
	{"postStream", ""},
	{"getStreams", ""},
	{"getStream", ""},
	{"patchStream", ""},
	{"postGroup", ""},
	{"postProcessor", "processor_id=id"},
	{"postValidate", ""},
	{"postEvent", "event_id=event_id"},
	{"postBatch", ""},
	{"postEvents", ""},
	{"postEventsBatch", ""},
	{"getEvents", ""},
	{"getAllEvents", ""},
	{"getEvent", ""},
	{"getTrace", ""},
	{"getExport", ""},
	{"getEventsExport", ""},
	{"getStats", ""},
	{"getRetention", ""},
	{"postSchemaInfer", ""},
	{"postSchemaCheck", ""},
	{"postSchema", ""},
	{"getSchemas", ""},
	{"getSchema", ""},
	{"getQuarantine", ""},
	{"getGroups", ""},
	{"getAllGroups", ""},
	{"getGroup", ""},
	{"patchGroup", ""},
	{"getGroupEvents", "lease=lease.id"},
	{"postExtend", ""},
	{"postNack", ""},
	{"postReset", ""},
	{"getGroupEvents", "lease=lease.id"},
	{"postAck", ""},
	{"getLag", ""},
	{"getProcessors", ""},
	{"getAllProcessors", ""},
	{"getProcessor", ""},
	{"patchProcessor", ""},
	{"postTrial", ""},
	{"postProcessorTrial", ""},
	{"postPause", ""},
	{"postResume", ""},
	{"getDeliveries", ""},
	{"postSendTest", ""},
	{"postRecover", "replay=id"},
	{"getDeadLetters", ""},
	{"getDeadLetterCounts", ""},
	{"postReplays", "id=id"},
	{"getReplays", ""},
	{"getReplay", ""},
	{"postReplayStop", ""},
	{"postSource", "id=id,token=token"},
	{"getSources", ""},
	{"getSource", ""},
	{"getSourceRefusals", ""},
	{"postSourceRotate", ""},
	{"patchSource", ""},
	{"deleteSource", ""},
	{"postKey", "id=id"},
	{"getKeys", ""},
	{"getKey", ""},
	{"getKeyChildren", ""},
	{"postRotate", ""},
	{"deleteKey", ""},
	{"postServiceTokens", "id=id"},
	{"getServiceTokens", ""},
	{"getServiceTokensId", ""},
	{"postServiceTokensIdRotate", ""},
	{"deleteServiceTokensId", ""},
	{"getOrganization", ""},
	{"getUsage", ""},
	{"getSummary", ""},
	{"getAudit", ""},
	{"getUsers", ""},
	{"deleteProcessor", ""},
	{"deleteGroup", ""},
	{"deleteStream", ""},
}

// TestTheExamplesOfTheReferenceWork performs them against a server, in an order in which each
// finds what it needs, and holds each answer to the reference. Before each, it sends what the
// reference says is refused, which must be refused.
func TestTheExamplesOfTheReferenceWork(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.serve("EVENTFLOW_RATE_KEY=60000/6000")
	made := h.run([]string{secret}, "key", "create", "--label", "reader", "--role", "admin")
	require.Zero(t, made.code, made.stderr)
	transport, err := referencetest.NewTransport(http.DefaultTransport)
	require.NoError(t, err)
	document, err := reference.Read()
	require.NoError(t, err)
	r := &reader{t, server.url, strings.TrimSpace(made.stdout), transport, document, map[string]string{
		"stream": "orders", "group": "mail", "processor": "big-orders", "type": "order.paid", "version": "1",
	}, 0}
	for _, s := range readersSteps {
		r.perform(s)
	}
	require.Greater(t, r.refused, 100)
}

// reader does what the reference says.
type reader struct {
	t         *testing.T
	url, key  string
	transport http.RoundTripper
	document  reference.Document
	kept      map[string]string
	refused   int
}

func (r *reader) find(id string) (method, path string, o *reference.Operation) {
	for _, at := range r.document.Paths {
		for _, one := range at.Value {
			if one.Value.ID == id {
				return strings.ToUpper(one.Name), at.Name, one.Value
			}
		}
	}
	require.FailNow(r.t, "there is no such operation", id)
	return "", "", nil
}

func (r *reader) perform(s readersStep) {
	method, path, o := r.find(s.operation)
	for name, value := range r.kept {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	var example []byte
	if o.Body != nil {
		media, _ := o.Body.Content.Get("application/json")
		example = media.Example
		for name, bad := range r.refusable(media) {
			status, body := r.send(method, path, bad)
			r.refused++
			require.Equal(r.t, 400, status, "%s: %s: %s is answered %s", s.operation, name, bad, body)
		}
		example = bytes.ReplaceAll(example, []byte("41"), []byte("1")) // before the lease, which may hold these digits
		example = bytes.ReplaceAll(example, []byte(`"0198c0de-7a1b-7c3d-8e4f-5a6b7c8d9e0f"`), []byte(`"`+r.kept["lease"]+`"`))
	}
	status, body := r.send(method, path, example)
	require.Less(r.t, status, 300, "%s: %s", s.operation, body)
	var answer map[string]any
	_ = json.Unmarshal(body, &answer) // it may be no object
	for keep := range strings.SplitSeq(s.keep, ",") {
		name, member, _ := strings.Cut(keep, "=")
		outer, inner, deep := strings.Cut(member, ".")
		value := answer[outer]
		if deep {
			value = value.(map[string]any)[inner]
		}
		if name != "" {
			r.kept[name] = value.(string)
		}
	}
}

func (r *reader) send(method, path string, body []byte) (int, []byte) {
	request, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, bytes.NewReader(body))
	require.NoError(r.t, err)
	request.Header.Set("X-API-Key", r.key)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := r.transport.RoundTrip(request)
	require.NoError(r.t, err)
	defer answer.Body.Close()
	read, err := io.ReadAll(answer.Body)
	require.NoError(r.t, err)
	return answer.StatusCode, read
}

// refusable makes bodies of an example that the reference says are refused: without a member
// that must be there, with one that there is not, and with values beyond their limits.
func (r *reader) refusable(media reference.Media) map[string][]byte {
	bad := map[string][]byte{}
	var example map[string]any
	schema, named := r.document.Components.Schemas.Get(strings.TrimPrefix(media.Schema.Ref, "#/components/schemas/"))
	if !named || json.Unmarshal(media.Example, &example) != nil {
		return bad
	}
	with := func(name string, value any) []byte {
		changed := maps.Clone(example)
		changed[name] = value
		text, err := json.Marshal(changed)
		require.NoError(r.t, err)
		return text
	}
	bad["a member that there is not"] = with("no_such_member", 1)
	for _, member := range schema.Properties {
		s := member.Value
		if one, found := r.document.Components.Schemas.Get(strings.TrimPrefix(s.Ref, "#/components/schemas/")); found {
			s = one
		}
		if slices.Contains(schema.Required, member.Name) {
			without := maps.Clone(example)
			delete(without, member.Name)
			bad["without "+member.Name], _ = json.Marshal(without) // it was JSON
		}
		if s.MaxLength != nil {
			bad[member.Name+" too long"] = with(member.Name, strings.Repeat("a", *s.MaxLength+1))
		}
		if s.Maximum != nil {
			bad[member.Name+" too large"] = with(member.Name, int64(*s.Maximum)+1)
			bad[member.Name+" too small"] = with(member.Name, int64(*s.Minimum)-1)
		}
		if s.Enum != nil {
			bad[member.Name+" of another set"] = with(member.Name, "no-such-value")
		}
		if s.Type == "object" {
			bad[member.Name+" is no object"] = with(member.Name, "text")
		}
	}
	return bad
}
