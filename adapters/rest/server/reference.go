package server

import (
	"github.com/eventflow-go/eventflow/adapters/rest/reference"
)

// The addresses of the reference of the API: for people, and for programs. It says nothing
// about an installation, and is for everybody.
const (
	docsPath    = "/docs"
	openAPIPath = "/openapi.json"
)

// getDocs answers a page about the API, for people to read.
func (s *Server) getDocs(c *call) error { return c.answerReference(reference.HTML()) }

// getOpenAPI answers an OpenAPI 3.1 document, which describes the API to programs.
func (s *Server) getOpenAPI(c *call) error { return c.answerReference(reference.JSON()) }

func (c *call) answerReference(file reference.File, err error) error {
	if err != nil {
		return err
	}
	const ask = "no-cache" // whether it is still the same
	c.answerSitePage(&Page{
		ContentType: file.ContentType, Body: file.Body, Gzip: file.Gzip, Size: len(file.Body), ETag: file.ETag, CacheControl: ask, CSP: file.CSP,
	})
	return nil
}
