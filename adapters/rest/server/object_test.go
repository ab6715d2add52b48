package server

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// nested has every kind of field that a body of the API has, at some depth.
type nested struct {
	ID     core.ID         `json:"id"`
	Maybe  *core.ID        `json:"maybe"`
	At     *time.Time      `json:"at"`
	Since  *core.Time      `json:"since"`
	For    *core.Seconds   `json:"for"`
	Within core.Seconds    `json:"within"`
	Start  *core.Start     `json:"start"`
	Name   string          `json:"name"`
	Count  *int            `json:"count"`
	Small  int32           `json:"small"`
	Yes    bool            `json:"yes"`
	Rate   float64         `json:"rate"`
	Raw    json.RawMessage `json:"raw"`
	IDs    []core.ID       `json:"ids"`
	Ints   []core.Offset   `json:"ints"`
	Inner  *nested         `json:"inner"`
	Inners []nested        `json:"inners"`
}

const someID = `"0198c0de-7a1b-7c3d-8e4f-5a6b7c8d9e0f"`

// The field at fault is named by its path, whatever it is and wherever.
func TestAValueThatDoesNotFitIsNamedByItsPath(t *testing.T) {
	t.Parallel()
	for member, path := range map[string]string{
		`"id":"nope"`:                     "id",
		`"id":1`:                          "id",
		`"maybe":""`:                      "maybe",
		`"at":"2027-01-01"`:               "at",
		`"at":1`:                          "at",
		`"for":"1s"`:                      "for",
		`"start":"middle"`:                "start",
		`"name":1`:                        "name",
		`"count":1.5`:                     "count",
		`"count":99999999999999999999`:    "count",
		`"small":2147483648`:              "small",
		`"yes":"true"`:                    "yes",
		`"rate":"1"`:                      "rate",
		`"ids":1`:                         "ids",
		`"ids":[` + someID + `,"x"]`:      "ids[1]",
		`"ints":[1,"2"]`:                  "ints[1]",
		`"ints":[1,{}]`:                   "ints[1]",
		`"inners":[{},{"at":"noon"}]`:     "inners[1].at",
		`"inners":{}`:                     "inners",
		`"inners":[{"ids":[null,"x"]}]`:   "inners[0].ids[1]",
		`"inner":{"inners":[{"id":"x"}]}`: "inner.inners[0].id",
	} {
		for prefix, body := range map[string]string{"": "{" + member + "}", "inner.": `{"inner":{` + member + "}}", "inners[0].": `{"inners":[{` + member + "}]}"} {
			var into nested
			require.Error(t, json.Unmarshal([]byte(body), &into), body)
			err := misfit("", []byte(body), reflect.TypeFor[nested]())
			var known *core.Error
			require.ErrorAs(t, err, &known, body)
			require.Equal(t, core.CodeValidation, known.Code)
			require.Equal(t, prefix+path, known.Details[0].Field, body)
			require.Regexp(t, "^must be ", known.Details[0].Reason, body)
		}
	}
	good := `{"id":` + someID + `,"maybe":null,"at":"2027-01-01T00:00:00Z","for":1.5,"start":"end","ids":[],"ints":null,"raw":{"id":1},"inners":[{}]}`
	require.NoError(t, misfit("", []byte(good), reflect.TypeFor[nested]()))
}

// Whoever reads a refusal learns what to write: what the field takes, and nothing that is
// true of the value that was refused.
func TestAValueThatDoesNotFitIsRefusedInPlainWords(t *testing.T) {
	t.Parallel()
	const start = `must be "start", "end", an offset of 0 or more, or a time as in RFC 3339`
	for body, reason := range map[string]string{
		`{"at":"noon"}`:                   "must be a time as in RFC 3339, such as 2006-01-02T15:04:05Z",
		`{"since":"noon"}`:                "must be a time as in RFC 3339, such as 2006-01-02T15:04:05Z",
		`{"since":1}`:                     "must be a time as in RFC 3339, such as 2006-01-02T15:04:05Z, not a number 1",
		`{"for":1e30}`:                    "must be a number of seconds, at most 1000000000",
		`{"for":"1s"}`:                    "must be a number of seconds, at most 1000000000, not a string",
		`{"within":null}`:                 "must be a number of seconds, at most 1000000000, not null",
		`{"start":"middle"}`:              start,
		`{"start":-1}`:                    start,
		`{"start":{}}`:                    start + ", not an object",
		`{"inner":{"since":"yesterday"}}`: "must be a time as in RFC 3339, such as 2006-01-02T15:04:05Z",
	} {
		err := misfit("", []byte(body), reflect.TypeFor[nested]())
		var known *core.Error
		require.ErrorAs(t, err, &known, body)
		require.Equal(t, reason, known.Details[0].Reason, body)
	}
}
