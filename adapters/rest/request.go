package rest

import (
	"context"
	"encoding/json"
	"io"
	"maps"
)

// request is a request of the API, before it has a server and a credential.
type request struct {
	method  string
	path    string
	headers map[string]string
	// body is JSON; nil is no body.
	body []byte
}

// answer is what came back. header returns a header's value, or "".
type answer struct {
	status int
	header func(name string) string
	body   io.ReadCloser
}

// encode returns the JSON of a body, nil for none.
func encode(body any) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	return json.Marshal(body)
}

// do makes a request and decodes the answer, where it is wanted.
func (c *Client) do(ctx context.Context, r request, into any) error {
	got, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	defer got.body.Close()
	if isError(got.status) {
		return readError(got)
	}
	if into == nil {
		_, err = io.Copy(io.Discard, got.body)
		return err
	}
	return json.NewDecoder(got.body).Decode(into)
}

// send makes a request and returns the answer, whatever it is. Its body is to be
// closed.
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

// setField adds a field to the body of a request, if it is set.
func setField[T any](fields map[string]any, name string, value *T) {
	if value != nil {
		fields[name] = value
	}
}
