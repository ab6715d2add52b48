package eventlog_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jsonschema"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// registry is a counter with the schemas and the quarantine of its streams.
type registry struct {
	*counter
	schemas    *eventlog.Schemas
	quarantine *eventlog.Quarantine
	audited    []core.AuditRecord
}

func newRegistry(t *testing.T, spec core.StreamSpec) *registry {
	t.Helper()
	r := &registry{counter: newCounter(t, eventlog.CommitOptions{})}
	r.schemas = eventlog.NewSchemas(eventlog.SchemaPorts{
		Streams: r.Streams, Store: r.Catalog, Compiler: jsonschema.New(), Log: r.Log, Record: r.record, Now: r.Clock.Now,
	})
	r.quarantine = eventlog.NewQuarantine(eventlog.QuarantinePorts{Streams: r.Streams, Events: r.ingest, Store: r.Catalog, Record: r.record})
	r.Create(spec)
	return r
}

const (
	noteV1 = `{"type":"object","required":["n"],"properties":{"n":{"type":"integer"}},"additionalProperties":false}`
	noteV2 = `{"type":"object","required":["n"],"properties":{"n":{"type":"integer"},"note":{"type":"string"}},"additionalProperties":false}`
	// noteStrict does not take what noteV2 takes.
	noteStrict = `{"type":"object","required":["n","note"],"properties":{"n":{"type":"integer"},"note":{"type":"string"}},"additionalProperties":false}`
)

func (r *registry) register(schema string, mode core.Compatibility) (core.SchemaVersion, error) {
	spec := core.SchemaSpec{EventType: "paid", Schema: json.RawMessage(schema)}
	if mode != "" {
		spec.Compatibility = &mode
	}
	version, _, err := r.schemas.Register(r.T.Context(), r.Who, "a", spec)
	return version, err
}

// sendOf sends an event of a type and version.
func (r *registry) sendOf(eventType string, version int, payload string) (core.Receipt, error) {
	return r.sendRaw(fmt.Sprintf(`{"event_type":%q,"event_version":%d,"payload":%s}`, eventType, version, payload))
}

func TestAnEventIsHeldToTheVersionOfItsType(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, core.StreamSpec{Name: "a", Schema: []byte(numbersOnly)})
	first, err := r.register(noteV1, "")
	require.NoError(t, err)
	require.Equal(t, int32(1), first.Version)
	require.Equal(t, core.CompatibilityBackward, first.Compatibility)
	second, err := r.register(noteV2, "")
	require.NoError(t, err)
	require.Equal(t, int32(2), second.Version)

	for _, c := range []struct {
		eventType string
		version   int
		payload   string
		refused   string
	}{
		{"paid", 1, `{"n":1}`, ""},
		{"paid", 1, `{"n":1,"note":"x"}`, "payload"},
		{"paid", 2, `{"n":1,"note":"x"}`, ""},
		{"paid", 2, `{"n":1,"note":7}`, "payload.note"},
		{"paid", 3, `{"n":1}`, "event_version"},
		{"left", 7, `{"n":1,"more":1}`, ""}, // a type without versions is held to the stream's schema
		{"left", 7, `{"n":"1"}`, "payload.n"},
	} {
		_, err := r.sendOf(c.eventType, c.version, c.payload)
		if c.refused == "" {
			require.NoError(t, err, c)
			continue
		}
		coretest.RequireRefusal(t, err, core.CodeSchemaMismatch, c.refused)
	}
	_, err = r.sendOf("paid", 3, `{"n":1}`)
	require.Contains(t, err.Error(), `3 is no version of "paid" that has a schema; there are [1 2]`)
	require.Len(t, r.stored("a"), 3)
}

func TestARegistrationIsHeldToItsMode(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, core.StreamSpec{Name: "a"})
	_, err := r.register(noteV1, core.CompatibilityBackwardTransitive)
	require.NoError(t, err)
	again, err := r.register(" "+noteV1, "")
	require.NoError(t, err)
	require.Equal(t, int32(1), again.Version, "the same schema is no new version")

	_, err = r.register(noteStrict, "")
	known := coretest.RequireRefusal(t, err, core.CodeConflict, "schema/required")
	require.Equal(t, `demands the member "note", which version 1 does not (schema)`, known.Details[0].Reason)
	require.Contains(t, known.Message, "not backward_transitive compatible with version 1")
	_, err = r.register(`{"type":"object","pattern":"a","properties":{"n":{"pattern":"x","type":["integer","string"]}}}`, core.CompatibilityForward)
	known = coretest.RequireRefusal(t, err, core.CodeConflict, "schema")
	require.Contains(t, known.Details[0].Reason, "version 1 ")

	_, err = r.register(noteV2, "")
	require.NoError(t, err)
	_, err = r.register(noteStrict, core.CompatibilityNone)
	require.NoError(t, err, "the request says to what it is held")
	_, err = r.register(noteV1, core.CompatibilityForward)
	coretest.RequireRefusal(t, err, core.CodeConflict, "")
	_, err = r.register(noteV2, core.CompatibilityBackward)
	require.NoError(t, err, "it takes more than version 3")
	page, err := r.schemas.List(t.Context(), r.Who, "a", core.SchemaQuery{Limit: 3})
	require.NoError(t, err)
	require.Len(t, page.Items, 3)
	require.True(t, page.HasMore)
	page, err = r.schemas.List(t.Context(), r.Who, "a", core.SchemaQuery{Limit: 3, Cursor: page.NextCursor})
	require.NoError(t, err)
	require.Equal(t, int32(4), page.Items[0].Version)
	require.Len(t, r.audited, 4)
	require.Equal(t, map[string]string{"event_type": "paid", "version": "4", "compatibility": "backward"}, r.audited[3].Details)
}

func TestBadRegistrationsChangeNothing(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, core.StreamSpec{Name: "a"})
	_, err := r.register(noteV1, "")
	require.NoError(t, err)
	mode, version := core.Compatibility("backwards"), int32(1)
	for field, spec := range map[string]core.SchemaSpec{
		"event_type":           {Schema: []byte(`{}`)},
		"schema":               {EventType: "paid"},
		"schema/type":          {EventType: "paid", Schema: []byte(`{"type":"objekt"}`)},
		"schema/minimum":       {EventType: "paid", Schema: []byte(`{"minimum":2,"maximum":1}`)},
		"compatibility":        {EventType: "paid", Schema: []byte(`{}`), Compatibility: &mode},
		"version":              {EventType: "paid", Schema: []byte(`{}`), Version: &version},
		"schema/properties/ab": {EventType: "paid", Schema: []byte(`{"properties":{"ab":{"$ref":"#/$defs/none"}}}`)},
	} {
		_, _, err := r.schemas.Register(t.Context(), r.Who, "a", spec)
		known := coretest.RequireRefusal(t, err, core.CodeValidation, "")
		if field != "schema/properties/ab" {
			require.Equal(t, field, known.Details[0].Field)
		}
	}
	_, _, err = r.schemas.Register(t.Context(), r.Who, "b", core.SchemaSpec{EventType: "paid", Schema: []byte(`{}`)})
	coretest.RequireRefusal(t, err, core.CodeNotFound, "")
	page, err := r.schemas.List(t.Context(), r.Who, "a", core.SchemaQuery{})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	_, err = r.schemas.Get(t.Context(), r.Who, "a", "paid", "1")
	require.NoError(t, err)
	_, err = r.schemas.Get(t.Context(), r.Who, "a", "paid", "2")
	coretest.RequireRefusal(t, err, core.CodeNotFound, "")
	_, err = r.schemas.Get(t.Context(), r.Who, "a", "paid", "x")
	coretest.RequireRefusal(t, err, core.CodeValidation, "version")
}

// Another node holds events to a new version within a second.
func TestAnotherNodeLearnsOfAVersion(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, core.StreamSpec{Name: "a"})
	node := r.Node()
	draft := r.draft(`"x"`, "")
	require.NoError(t, node.Validate(t.Context(), r.Who, "a", draft))
	_, err := r.register(noteV1, "")
	require.NoError(t, err)
	r.Clock.Pass(2 * time.Second)
	coretest.RequireRefusal(t, node.Validate(t.Context(), r.Who, "a", draft), core.CodeSchemaMismatch, "payload")
}

func TestASchemaIsTriedOnTheNewestEvents(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, core.StreamSpec{Name: "a"})
	for i := range 30 {
		_, err := r.sendOf([]string{"paid", "left"}[i%2], 1, fmt.Sprintf(`{"n":%d}`, i))
		require.NoError(t, err)
	}
	_, err := r.register(`{"type":"object"}`, "")
	require.NoError(t, err)
	last := 10
	verdict, err := r.schemas.Check(t.Context(), r.Who, "a", core.SchemaTrial{
		EventType: "paid", Schema: []byte(`{"properties":{"n":{"maximum":20}}}`), Last: &last,
	})
	require.NoError(t, err)
	require.Equal(t, []int{10, 6, 4}, []int{verdict.Events.Checked, verdict.Events.Passed, verdict.Events.Failed})
	require.Equal(t, core.Offset(28), verdict.Events.Failures[0].Offset)
	require.Equal(t, "payload.n", verdict.Events.Failures[0].Reasons[0].Field)
	require.False(t, verdict.Compatible)
	require.Equal(t, core.Incompatibility{
		Version: 1, Direction: core.CompatibilityBackward, Field: "schema/properties/n/maximum",
		Reason: `demands maximum 20, which version 1 does not (schema)`,
	}, verdict.Incompatible[0])

	one, none := int32(1), core.CompatibilityNone
	verdict, err = r.schemas.Check(t.Context(), r.Who, "a", core.SchemaTrial{EventType: "paid", Version: &one})
	require.NoError(t, err)
	require.True(t, verdict.Compatible)
	require.Equal(t, 15, verdict.Events.Passed)
	all, err := r.schemas.Check(t.Context(), r.Who, "a", core.SchemaTrial{Schema: []byte(`{"type":"string"}`), Compatibility: &none})
	require.NoError(t, err)
	require.Equal(t, 30, all.Events.Failed)
	require.Len(t, all.Events.Failures, core.MaxSchemaFailures)

	many, nine := core.MaxSchemaEvents+1, int32(9)
	for field, trial := range map[string]core.SchemaTrial{
		"last": {Schema: []byte(`{}`), Last: &many}, "schema": {}, "version": {EventType: "paid", Schema: []byte(`{}`), Version: &one},
		"event_type": {Version: &one},
	} {
		_, err := r.schemas.Check(t.Context(), r.Who, "a", trial)
		coretest.RequireRefusal(t, err, core.CodeValidation, field)
	}
	_, err = r.schemas.Check(t.Context(), r.Who, "a", core.SchemaTrial{EventType: "paid", Schema: []byte(`{}`), Against: &nine})
	coretest.RequireRefusal(t, err, core.CodeNotFound, "")
}

func TestASchemaIsInferredFromEvents(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, core.StreamSpec{Name: "a"})
	_, err := r.schemas.Infer(t.Context(), r.Who, "a", core.SchemaSamples{})
	coretest.RequireRefusal(t, err, core.CodeNotFound, "")
	for _, payload := range []string{`{"n":1,"note":"x"}`, `{"n":2.5}`} {
		_, err := r.sendOf("paid", 1, payload)
		require.NoError(t, err)
	}
	_, err = r.sendOf("left", 1, `"x"`)
	require.NoError(t, err)
	inferred, err := r.schemas.Infer(t.Context(), r.Who, "a", core.SchemaSamples{EventType: "paid"})
	require.NoError(t, err)
	require.Equal(t, 2, inferred.Samples)
	require.Contains(t, strings.Join(strings.Fields(string(inferred.Schema)), ""), `"n":{"type":"number"},"note":{"type":"string"}},"required":["n"]`)
	verdict, err := r.schemas.Check(t.Context(), r.Who, "a", core.SchemaTrial{EventType: "paid", Schema: inferred.Schema})
	require.NoError(t, err)
	require.Zero(t, verdict.Events.Failed, "what a schema was inferred from fits it")
}

// To infer schemas costs an organization of its share, as to evaluate them does.
func TestInferringTakesOfTheShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRegistry(t, core.StreamSpec{Name: "a"})
		sample := json.RawMessage(`"` + strings.Repeat("x", core.MaxEventBytes/2) + `"`)
		var err error
		for tries := 0; err == nil; tries++ {
			require.Less(t, tries, 100*runtime.NumCPU(), "a share has an end")
			_, err = r.schemas.Infer(t.Context(), r.Who, "a", core.SchemaSamples{Samples: []json.RawMessage{sample}})
		}
		coretest.RequireRefusal(t, err, core.CodeRateLimited, "evaluations")
	})
}

func TestEventsThatDoNotFitAreReported(t *testing.T) {
	t.Parallel()
	report := core.EnforceReport
	r := newRegistry(t, core.StreamSpec{Name: "a", Schema: []byte(numbersOnly), Enforcement: &report})
	for _, payload := range []string{`{"n":1}`, `{"n":"1"}`, `7`} {
		_, err := r.sendOf("paid", 1, payload)
		require.NoError(t, err)
	}
	require.NoError(t, r.batch("a", `[{"event_type":"x","payload":{"n":"2"}}]`)[0].Err)
	require.Len(t, r.stored("a"), 4)
	r.noted()
	stats, err := r.Streams.Stats(t.Context(), r.Who, "a")
	require.NoError(t, err)
	require.Equal(t, int64(3), stats.Reported)

	bad := core.Enforcement("allow")
	_, err = r.Streams.Change(t.Context(), r.Who, "a", core.StreamChange{Enforcement: &bad}, 0)
	coretest.RequireRefusal(t, err, core.CodeValidation, "enforcement")
}
