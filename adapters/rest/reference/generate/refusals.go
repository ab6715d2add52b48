package main

import (
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/reference"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

// refusals makes an answer of each status that a code has.
func (b *builder) refusals() {
	schema := b.of(reflect.TypeFor[rest.Problem]())
	var known []int
	for _, code := range b.enums["core.Code"] {
		if status := rest.Status(core.Code(code.value)); !slices.Contains(known, status) {
			known = append(known, status)
		}
	}
	slices.Sort(known)
	for _, status := range known {
		b.document.Components.Answers = append(b.document.Components.Answers, reference.Member[reference.Answer]{
			Name: strconv.Itoa(status), Value: reference.Answer{Description: b.titles(status), Content: problem(schema)},
		})
	}
}

func problem(schema *reference.Schema) reference.Members[reference.Media] {
	return reference.Members[reference.Media]{{Name: rest.TypeProblem, Value: reference.Media{Schema: schema}}}
}

// titles are the titles of the codes of a status.
func (b *builder) titles(status int) string {
	var all []string
	for _, code := range b.enums["core.Code"] {
		code := core.Code(code.value)
		if rest.Status(code) == status {
			all = append(all, rest.NewProblem(core.Errorf(code, ""), "").Title+" (`"+string(code)+"`).")
		}
	}
	return strings.Join(all, " ")
}

// refused are the statuses of the refusals of an operation: by what kind of route it is, and
// those that it has besides.
func refused(route server.Route, o operation) []int {
	probe := route.Action == server.Public && route.Method == http.MethodGet
	if probe && route.Path != "/metrics" {
		return nil
	}
	errors := append([]core.Code{core.CodeRateLimited, core.CodeInternal, core.CodeUnavailable}, o.errors...)
	if route.Action != server.Public {
		errors = append(errors, core.CodeUnauthorized, core.CodeValidation)
	}
	if route.Action != server.Public && route.Action != server.Anybody {
		errors = append(errors, core.CodeForbidden)
	}
	if strings.Contains(route.Path, ":") {
		errors = append(errors, core.CodeNotFound)
	}
	if o.body != nil {
		errors = append(errors, core.CodeValidation, core.CodeTimeout, core.CodePayloadTooLarge, core.CodeUnsupportedMedia)
	}
	if o.revised && route.Method != http.MethodPost {
		errors = append(errors, core.CodePreconditionFailed)
	}
	var found []int
	for _, code := range errors {
		if status := rest.Status(code); !slices.Contains(found, status) {
			found = append(found, status)
		}
	}
	slices.Sort(found)
	return found
}
