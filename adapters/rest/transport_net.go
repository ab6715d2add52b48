//go:build !js

package rest

import (
	"bytes"
	"context"
	"io"
	"net/http"
)

// transport sends requests with net/http.
type transport struct{}

// direct follows no redirect. The API has none, and a redirect to elsewhere
// would take the key along.
var direct = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func (transport) do(ctx context.Context, url string, r request) (answer, error) {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	request, err := http.NewRequestWithContext(ctx, r.method, url, body)
	if err != nil {
		return answer{}, err
	}
	for name, value := range r.headers {
		request.Header.Set(name, value)
	}
	response, err := direct.Do(request) //nolint:bodyclose // handed on; whoever reads the answer closes it
	if err != nil {
		return answer{}, err
	}
	return answer{status: response.StatusCode, header: response.Header.Get, body: response.Body}, nil
}
