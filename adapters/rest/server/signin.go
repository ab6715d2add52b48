package server

import (
	"time"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
)

// postLogin signs a person in.
func (s *Server) postLogin(c *call) error {
	var request rest.LoginRequest
	if err := c.readOwn(&request); err != nil {
		return err
	}
	organization, err := organizationID(request.Organization)
	if err != nil {
		return err
	}
	signIn, err := s.Identity.SignIns.Login(c.context(), c.visitor(), request.Email, request.Password, organization)
	if err == nil {
		err = c.endReplaced()
	}
	return c.answerSignIn(signIn, request.WantRefreshToken, err)
}

// organizationID reads the organization that a request names, or none.
func organizationID(text string) (id core.ID, err error) {
	if text == "" {
		return id, nil
	}
	if id, err = core.ParseID(text); err != nil {
		err = core.Invalid("organization", "%v", err)
	}
	return id, err
}

// postSetup makes the first admin, by the token of a link.
func (s *Server) postSetup(c *call) error {
	var request rest.SetupRequest
	if err := c.readOwn(&request); err != nil {
		return err
	}
	person := identity.NewPerson{Email: request.Email, Name: request.Name, Password: request.Password}
	signIn, err := s.Identity.Users.Setup(c.context(), c.visitor(), request.Token, person)
	return c.answerSignIn(signIn, request.WantRefreshToken, err)
}

// postLink tells whether a link can still be used.
func (s *Server) postLink(c *call) error {
	var request rest.LinkRequest
	if err := c.readObject(&request); err != nil {
		return err
	}
	if err := s.Identity.Users.CheckTicket(c.context(), c.visitor(), request.Kind, request.Token); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// postAccept accepts an invitation, by the token of its link.
func (s *Server) postAccept(c *call) error {
	var request rest.AcceptRequest
	if err := c.readOwn(&request); err != nil {
		return err
	}
	signIn, err := s.Identity.Passwords.Accept(c.context(), c.visitor(), request.Token, request.Name, request.Password)
	return c.answerSignIn(signIn, request.WantRefreshToken, err)
}

// postRefresh exchanges a refresh token: the one in the body or, if there is
// none, the cookie's.
func (s *Server) postRefresh(c *call) error {
	var request rest.RefreshRequest
	token, err := c.refreshToken(&request)
	if err != nil {
		return err
	}
	signIn, err := s.Identity.SignIns.Refresh(c.context(), c.visitor(), token)
	if core.CodeOf(err) == core.CodeUnauthorized { // a server that cannot tell now can tell later
		c.setCookie("", time.Unix(0, 0))
	}
	// A token that came in the cookie is answered in the cookie only: a script of
	// the page must not get at it.
	return c.answerSignIn(signIn, request.WantRefreshToken && request.RefreshToken != "", err)
}

// postSwitch exchanges a refresh token for tokens of another organization.
func (s *Server) postSwitch(c *call) error {
	var request rest.SwitchRequest
	if err := c.readObject(&request); err != nil {
		return err
	}
	organization, err := organizationID(request.Organization)
	if err != nil {
		return err
	}
	if organization.IsZero() {
		return core.Invalid("organization", "is required: the id of an organization that you belong to")
	}
	token, err := c.tokenOrCookie(request.RefreshToken)
	if err != nil {
		return err
	}
	signIn, err := s.Identity.SignIns.Switch(c.context(), c.visitor(), token, organization)
	if core.CodeOf(err) == core.CodeUnauthorized {
		c.setCookie("", time.Unix(0, 0))
	}
	return c.answerSignIn(signIn, request.WantRefreshToken && request.RefreshToken != "", err)
}

func (c *call) answerSignIn(signIn core.SignIn, withRefresh bool, err error) error {
	if err != nil {
		return err
	}
	c.setCookie(signIn.RefreshToken, signIn.RefreshUntil)
	return c.answerJSON(fasthttp.StatusOK, newSignedIn(signIn, c.server.Now(), withRefresh))
}

// newSignedIn returns the answer to a sign-in.
func newSignedIn(s core.SignIn, now time.Time, withRefresh bool) rest.SignedIn {
	signedIn := rest.SignedIn{
		AccessToken: s.AccessToken, TokenType: "Bearer", ExpiresIn: int64(s.AccessUntil.Sub(now).Seconds()),
		User: s.User, Organizations: s.Organizations,
	}
	if withRefresh {
		signedIn.RefreshToken = s.RefreshToken
	}
	return signedIn
}

// postLogout ends the session of the access token or of the refresh token, and
// removes the cookie.
func (s *Server) postLogout(c *call) error {
	var request rest.RefreshRequest
	token, err := c.refreshToken(&request)
	if err != nil {
		return err
	}
	who, err := s.authenticate(c)
	if err != nil {
		who = core.Principal{} // the refresh token may still be good
	}
	c.setCookie("", time.Unix(0, 0))
	if err := s.Identity.SignIns.Logout(c.context(), who.At(c.visitor()), token); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
