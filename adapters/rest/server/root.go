package server

import (
	"slices"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// rootPath is the address of a page for people, and of a little JSON for programs.
const rootPath = "/"

// getRoot answers a browser with the dashboard, if there is one, and a program with
// where to go on. It is not counted against a rate: answering costs no more than
// refusing would.
func (s *Server) getRoot(c *call) error {
	accept := c.requestHeader(fasthttp.HeaderAccept)
	if html := quality(accept, "text/html"); html > 0 && html >= quality(accept, rest.TypeJSON) && s.answerSite(c) {
		return nil
	}
	c.ctx.Response.Header.Set(fasthttp.HeaderVary, fasthttp.HeaderAccept)
	return c.answerJSON(fasthttp.StatusOK, s.root())
}

// root tells nobody the server's version: see [Options.System].
func (s *Server) root() rest.Root {
	links := map[string]string{}
	for name, path := range map[string]string{
		"docs": docsPath, "openapi": openAPIPath, "health": rest.Prefix + "/health", "system": rest.SystemPath,
	} {
		if slices.ContainsFunc(s.table, func(r route) bool { return r.Path == path }) {
			links[name] = path
		}
	}
	if s.System == nil {
		delete(links, "system")
	}
	if s.Site != nil {
		links["dashboard"] = rootPath
	}
	return rest.Root{Name: "EventFlow", APIVersion: "v1", Links: links}
}
