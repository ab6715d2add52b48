// Package server is EventFlow's HTTP server: it turns requests into calls of
// core's use cases and their outcomes into answers. It is the only package
// that knows Fiber.
//
// What comes in is held to limits before it costs anything: framing, then the
// credential, then media types and sizes, then the body. Fiber and fasthttp
// reuse their buffers, so whatever outlives a handler is copied first.
package server
