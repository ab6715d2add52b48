//go:build !js

package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"path"

	"github.com/andybalholm/brotli"
)

// File is a file of the site, ready to be sent.
type File struct {
	ContentType string
	// Body is nil where only the compressed forms are kept.
	Body         []byte
	Gzip, Brotli []byte
	// Size is the size of the file in bytes when it is not compressed.
	Size int
	// ETag is weak, because it is the same for every encoding.
	ETag string
}

// sent is the size of the file's smallest form.
func (f File) sent() int {
	switch {
	case f.Brotli != nil:
		return len(f.Brotli)
	case f.Gzip != nil:
		return len(f.Gzip)
	}
	return len(f.Body)
}

// newFile makes a file. It is compressed where that makes it smaller.
func newFile(name string, body []byte) File {
	sum := sha256.Sum256(body)
	file := File{ContentType: contentType(name), Body: body, Size: len(body), ETag: `W/"` + hex.EncodeToString(sum[:16]) + `"`}
	if compressed := Gzip(body); len(compressed) < len(body) {
		file.Gzip = compressed
	}
	if compressed := Brotli(body, siteQuality); len(compressed) < len(body) {
		file.Brotli = compressed
	}
	return file
}

// siteQuality is the quality at which Brotli compresses files at every start. All of
// them take a few milliseconds.
const siteQuality = 6

// Gzip compresses a body.
func Gzip(body []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // it fails for an unknown level only
	return written(w, &b, body)
}

// Brotli compresses a body. Quality 11 takes fifty times as long as 5.
func Brotli(body []byte, quality int) []byte {
	var b bytes.Buffer
	return written(brotli.NewWriterOptions(&b, brotli.WriterOptions{Quality: quality, LGWin: 22}), &b, body)
}

// written returns what a compressing writer has made of a body.
func written(w io.WriteCloser, b *bytes.Buffer, body []byte) []byte {
	_, _ = w.Write(body) // into memory, which does not fail
	_ = w.Close()
	return b.Bytes()
}

// contentType returns the type of a file by its name. The table of types that a
// machine has would make answers differ between machines.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".html", "":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".png":
		return "image/png"
	case ".svg":
		return "image/svg+xml"
	case ".txt":
		return "text/plain; charset=utf-8"
	case ".wasm":
		return "application/wasm"
	case ".webmanifest":
		return "application/manifest+json"
	case ".woff2":
		return "font/woff2"
	}
	return "application/octet-stream"
}
