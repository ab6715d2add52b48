package server

import (
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// The headers of every answer, as bytes in canonical form: setting them costs
// nothing more.
var (
	headerRequestID = []byte(rest.HeaderRequestID)
	headerHSTS      = [2][]byte{[]byte("Strict-Transport-Security"), []byte("max-age=31536000; includeSubDomains")}
	contentJSON     = []byte(rest.TypeJSON)
	contentProblem  = []byte(rest.TypeProblem)
	fixedHeaders    = [][2][]byte{
		{[]byte("X-Content-Type-Options"), []byte("nosniff")},
		{[]byte("X-Frame-Options"), []byte("DENY")},
		{[]byte("Referrer-Policy"), []byte("no-referrer")},
		{[]byte("Cache-Control"), []byte("no-store")},
		{[]byte("Content-Security-Policy"), []byte("default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'")},
	}
)

func setHeaders(header *fasthttp.ResponseHeader, requestID []byte) {
	header.SetCanonical(headerRequestID, requestID)
	for i := range fixedHeaders {
		header.SetCanonical(fixedHeaders[i][0], fixedHeaders[i][1])
	}
}
