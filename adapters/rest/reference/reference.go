// Package reference is the reference of the API: an OpenAPI 3.1 document for programs,
// and the same as a page for people. It is made from the routes, the types of requests and
// answers, and the comments of both, by `go generate`.
//
// Nothing of an installation is in it, so that it is the same for everybody.
package reference

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed" // of the document
	"encoding/hex"
	"encoding/json"
	"sync"
)

//go:generate go run ./generate

//go:embed openapi.json
var document []byte

// Read returns the document to be looked at.
func Read() (read Document, err error) {
	err = json.Unmarshal(document, &read)
	return read, err
}

// File is a form of the reference, ready to be sent.
type File struct {
	ContentType string
	Body, Gzip  []byte
	ETag        string
	// CSP is the Content-Security-Policy.
	CSP string
}

// JSON returns the document as a file. Nobody may change it.
var JSON = sync.OnceValues(func() (File, error) {
	return newFile("application/json", document, "default-src 'none'; frame-ancestors 'none'")
})

// newFile packs a body.
func newFile(contentType string, body []byte, csp string) (File, error) {
	var packed bytes.Buffer
	writer, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return File{}, err
	}
	if _, err := writer.Write(body); err != nil {
		return File{}, err
	}
	if err := writer.Close(); err != nil {
		return File{}, err
	}
	sum := sha256.Sum256(body)
	return File{ContentType: contentType, Body: body, Gzip: packed.Bytes(), ETag: `W/"` + hex.EncodeToString(sum[:8]) + `"`, CSP: csp}, nil
}
