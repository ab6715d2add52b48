package server

import (
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/core"
)

// getSystem answers how the server describes itself.
func (s *Server) getSystem(c *call) error {
	if s.System == nil {
		return core.Errorf(core.CodeNotFound, "this server does not describe itself")
	}
	return c.answerJSON(fasthttp.StatusOK, s.System(c.who))
}
