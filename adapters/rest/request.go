package rest

import (
	"context"
	"encoding/json"
	"io"
	"maps"
)

// request is a request to the API, without the server's address and the
// credential.
type request struct {
	method  string
	path    string
	headers map[string]string
	// body is JSON; nil is no body.
	body []byte
}

// answer is the answer to a request. header returns the value of a header, ""
// if there is none.
type answer struct {
	status int
	header func(name string) string
	body   io.ReadCloser
}

// encode returns a body as JSON, nil for no body.
func encode(body any) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	return json.Marshal(body)
}

// noContent is the status of an answer without a body, where there may be one.
const noContent = 204

// do makes a request, and decodes the answer unless into is nil.
func (c *Client) do(ctx context.Context, r request, into any) error {
	got, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	defer got.body.Close()
	if isError(got.status) {
		return readError(got)
	}
	if into == nil || got.status == noContent {
		_, err = io.Copy(io.Discard, got.body)
		return err
	}
	return json.NewDecoder(got.body).Decode(into)
}

// send makes a request and returns the answer, even if it is an error. The
// caller closes its body.
func (c *Client) send(ctx context.Context, r request) (answer, error) {
	headers := map[string]string{}
	maps.Copy(headers, r.headers)
	if key := *c.key.Load(); key != "" {
		headers[HeaderAPIKey] = key
	}
	if r.body != nil {
		headers["Content-Type"] = TypeJSON
	}
	r.headers = headers
	return c.http.do(ctx, c.base+r.path, r)
}

// setField adds a field to the body of a request, unless it is nil.
func setField[T any](fields map[string]any, name string, value *T) {
	if value != nil {
		fields[name] = value
	}
}
