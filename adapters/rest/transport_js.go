//go:build js

package rest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"syscall/js"
)

// transport sends requests with the browser's fetch. net/http would do the
// same, but it would make the program nearly twice as large.
type transport struct{}

func (transport) do(ctx context.Context, url string, r request) (answer, error) {
	abort := js.Global().Get("AbortController").New()
	stop := context.AfterFunc(ctx, func() { abort.Call("abort") })
	response, err := await(js.Global().Call("fetch", url, fetchOptions(r, abort)))
	if err != nil {
		stop()
		return answer{}, errors.Join(ctx.Err(), err)
	}
	got := answer{status: response.Get("status").Int(), header: headerReader(response.Get("headers"))}
	if streamed(got.header("Content-Type")) {
		got.body = stream(ctx, response, abort, stop)
		return got, nil
	}
	defer stop()
	buffer, err := await(response.Call("arrayBuffer"))
	if err != nil {
		return answer{}, errors.Join(ctx.Err(), err)
	}
	whole := make([]byte, buffer.Get("byteLength").Int())
	js.CopyBytesToGo(whole, js.Global().Get("Uint8Array").New(buffer))
	got.body = io.NopCloser(bytes.NewReader(whole))
	return got, nil
}

// streamed reports whether the body of an answer is read while it arrives. Any
// other body is read at once: a browser takes one that is closed before its end
// for a request that the page gave up.
func streamed(contentType string) bool {
	return contentType == TypeEventStream || contentType == TypeNDJSON || contentType == TypeCSV
}

func stream(ctx context.Context, response, abort js.Value, stop func() bool) io.ReadCloser {
	body := &fetchBody{ctx: ctx, stop: stop, abort: abort}
	if stream := response.Get("body"); stream.Truthy() {
		body.reader = stream.Call("getReader")
	}
	return body
}

// fetchBody reads an answer as it arrives.
type fetchBody struct {
	ctx    context.Context
	stop   func() bool
	abort  js.Value
	reader js.Value // undefined when there is no body
	left   []byte
}

// Read implements io.Reader.
func (b *fetchBody) Read(into []byte) (int, error) {
	for len(b.left) == 0 {
		if b.reader.IsUndefined() {
			return 0, io.EOF
		}
		chunk, err := await(b.reader.Call("read"))
		if err != nil {
			return 0, errors.Join(b.ctx.Err(), err)
		}
		if chunk.Get("done").Bool() {
			return 0, io.EOF
		}
		b.left = make([]byte, chunk.Get("value").Get("length").Int())
		js.CopyBytesToGo(b.left, chunk.Get("value"))
	}
	n := copy(into, b.left)
	b.left = b.left[n:]
	return n, nil
}

// Close implements io.Closer. It ends the request, even if the answer is not
// complete.
func (b *fetchBody) Close() error {
	b.stop()
	b.abort.Call("abort")
	return nil
}

func fetchOptions(r request, abort js.Value) js.Value {
	headers := js.Global().Get("Headers").New()
	for name, value := range r.headers {
		headers.Call("set", name, value)
	}
	options := js.Global().Get("Object").New()
	options.Set("method", r.method)
	options.Set("headers", headers)
	options.Set("redirect", "error")
	options.Set("signal", abort.Get("signal"))
	if r.body != nil {
		body := js.Global().Get("Uint8Array").New(len(r.body))
		js.CopyBytesToJS(body, r.body)
		options.Set("body", body)
	}
	return options
}

func headerReader(headers js.Value) func(string) string {
	return func(name string) string {
		if value := headers.Call("get", name); value.Type() == js.TypeString {
			return value.String()
		}
		return ""
	}
}

// await waits for a promise without blocking the browser.
func await(promise js.Value) (js.Value, error) {
	type outcome struct {
		value js.Value
		err   error
	}
	settled := make(chan outcome, 1)
	fulfilled := js.FuncOf(func(_ js.Value, args []js.Value) any {
		settled <- outcome{value: args[0]}
		return nil
	})
	defer fulfilled.Release()
	rejected := js.FuncOf(func(_ js.Value, args []js.Value) any {
		settled <- outcome{err: js.Error{Value: args[0]}}
		return nil
	})
	defer rejected.Release()
	promise.Call("then", fulfilled, rejected)
	result := <-settled
	return result.value, result.err
}
