package ui

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// jsonTree draws JSON with the order and the numbers of the text. It reports false for
// JSON with so many values that the browser would be slow, and for anything that is
// no JSON.
func jsonTree(text string, pick pickFunc) (app.UI, bool) {
	t := treeDrawer{Decoder: json.NewDecoder(strings.NewReader(text)), left: maxNodes, pick: pick}
	t.UseNumber()
	tree, err := t.node(nil, nil)
	return tree, err == nil
}

// treeDrawer draws the values that it decodes.
type treeDrawer struct {
	*json.Decoder
	// left is how many values it may still draw.
	left int
	pick pickFunc
}

var errTooManyNodes = errors.New("too many values to draw")

// node draws the next value. name is drawn before it, and path leads to it.
func (t *treeDrawer) node(name []app.UI, path []string) (app.UI, error) {
	token, err := t.Token()
	if err != nil {
		return nil, err
	}
	if t.left--; t.left < 0 {
		return nil, errTooManyNodes
	}
	opening, nested := token.(json.Delim)
	if !nested {
		return app.Div().Class("leaf").Body(append(name, scalar(token), pickLeaf(token, path, t.pick))...), nil
	}
	inner, err := t.inner(opening, path)
	if err != nil {
		return nil, err
	}
	closing := map[json.Delim]string{'{': "}", '[': "]"}[opening]
	if len(inner) == 0 {
		return app.Div().Class("leaf").Body(append(name, app.Text(opening.String()+closing))...), nil
	}
	return app.Details().Open(len(path) < 4).Body(
		app.Summary().Body(append(name, app.Text(opening.String()), app.Span().Class("json-fold").Textf(" %d … %s", len(inner), closing))...),
		app.Div().Class("inner").Body(inner...),
		app.Div().Class("leaf").Text(closing)), nil
}

// inner draws the values of an object or an array, up to its end.
func (t *treeDrawer) inner(opening json.Delim, path []string) (inner []app.UI, err error) {
	for t.More() {
		var inside []app.UI
		key := strconv.Itoa(len(inner))
		if opening == '{' {
			token, err := t.Token()
			if err != nil {
				return nil, err
			}
			key = token.(string)
			inside = []app.UI{app.Span().Class("json-key").Text(quoted(key)), app.Text(": ")}
		}
		node, err := t.node(inside, append(slices.Clip(path), key))
		if err != nil {
			return nil, err
		}
		inner = append(inner, node)
	}
	_, err = t.Token()
	return inner, err
}

// pickLeaf offers to filter by a value, if a filter can name the path to it.
func pickLeaf(token json.Token, path []string, pick pickFunc) app.UI {
	value := "null"
	if token != nil {
		value = fmt.Sprint(token)
	}
	unnamed := slices.ContainsFunc(path, func(key string) bool { return !pickable(key) })
	return app.If(pick != nil && len(path) > 0 && !unnamed && pickable(value), func() app.UI {
		return pickButton(rest.PayloadParameter+eventjson.PathTo(path), value, pick)
	})
}

func scalar(token json.Token) app.UI {
	switch value := token.(type) {
	case string:
		return app.Span().Class("json-text").Body(app.Bdi().Text(quoted(value)))
	case json.Number:
		return app.Span().Class("json-number").Text(value.String())
	case bool:
		return app.Span().Class("json-word").Text(value)
	}
	return app.Span().Class("json-word").Text("null")
}

// quoted writes a text as JSON does, but leaves <, > and & as they are.
func quoted(text string) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(text) != nil { // which a text never does
		return text
	}
	return strings.TrimSuffix(b.String(), "\n")
}
