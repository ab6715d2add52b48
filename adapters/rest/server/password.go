package server

import (
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// postPassword changes the password of the user who is signed in.
func (s *Server) postPassword(c *call) error {
	var request rest.PasswordChange
	if err := c.readObject(&request); err != nil {
		return err
	}
	if err := s.Identity.Passwords.Change(c.context(), c.who, request.Password, request.NewPassword); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// postForgot sends a link if there is such a user. The answer is the same if
// there is none.
func (s *Server) postForgot(c *call) error {
	var request rest.ForgotRequest
	if err := c.readObject(&request); err != nil {
		return err
	}
	if err := s.Identity.Passwords.Forgot(c.context(), c.visitor(), request.Email); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusAccepted)
	return nil
}

// postPasswordReset chooses another password by a link.
func (s *Server) postPasswordReset(c *call) error {
	var request rest.ResetPasswordRequest
	if err := c.readObject(&request); err != nil {
		return err
	}
	if err := s.Identity.Passwords.Reset(c.context(), c.visitor(), request.Token, request.Password); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
