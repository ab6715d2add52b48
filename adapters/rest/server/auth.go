package server

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// visitor says where a request comes from, for sessions and the audit trail.
func (c *call) visitor() core.Visitor {
	return core.Visitor{
		Address:   c.address(),
		UserAgent: strings.ToValidUTF8(string(c.ctx.Request.Header.UserAgent()), "?"),
		RequestID: string(c.id),
	}
}

// address is the client's, without its port: the last one in the chain of
// X-Forwarded-For that no trusted proxy vouches for.
func (c *call) address() string {
	remote, err := netip.ParseAddrPort(c.ctx.RemoteAddr().String())
	if err != nil {
		return c.ctx.RemoteAddr().String()
	}
	address := remote.Addr().Unmap()
	if len(c.server.TrustedProxies) == 0 {
		return address.String()
	}
	hops := strings.Split(string(c.ctx.Request.Header.Peek(fasthttp.HeaderXForwardedFor)), ",")
	for _, hop := range slices.Backward(hops) {
		if !c.server.trusts(address) {
			break
		}
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		address = next.Unmap()
	}
	return address.String()
}

func (s *Server) trusts(address netip.Addr) bool {
	return slices.ContainsFunc(s.TrustedProxies, func(network netip.Prefix) bool { return network.Contains(address) })
}

// postLogin signs a person in.
func (s *Server) postLogin(c *call) error {
	var request rest.LoginRequest
	if err := c.readOwn(&request); err != nil {
		return err
	}
	signIn, err := s.Accounts.Login(c.context(), c.visitor(), request.Email, request.Password)
	if err == nil {
		err = c.endReplaced()
	}
	return c.answerSignIn(signIn, request.WantRefreshToken, err)
}

// endReplaced ends the session whose cookie a sign-in is about to overwrite:
// nobody could end it any more.
func (c *call) endReplaced() error {
	replaced := string(c.ctx.Request.Header.Cookie(rest.RefreshCookie))
	return c.server.Accounts.Logout(c.context(), c.visitor(), core.Principal{}, replaced)
}

// postSetup makes the first admin.
func (s *Server) postSetup(c *call) error {
	var request rest.SetupRequest
	if err := c.readOwn(&request); err != nil {
		return err
	}
	person := core.NewPerson{Email: request.Email, Name: request.Name, Password: request.Password}
	signIn, err := s.Accounts.Setup(c.context(), c.visitor(), request.Token, person)
	return c.answerSignIn(signIn, request.WantRefreshToken, err)
}

// postAccept accepts an invitation.
func (s *Server) postAccept(c *call) error {
	var request rest.AcceptRequest
	if err := c.readOwn(&request); err != nil {
		return err
	}
	signIn, err := s.Accounts.Accept(c.context(), c.visitor(), request.Token, request.Name, request.Password)
	return c.answerSignIn(signIn, request.WantRefreshToken, err)
}

// postRefresh exchanges a refresh token, the cookie's where the body has none.
func (s *Server) postRefresh(c *call) error {
	var request rest.RefreshRequest
	token, err := c.refreshToken(&request)
	if err != nil {
		return err
	}
	signIn, err := s.Accounts.Refresh(c.context(), c.visitor(), token)
	if core.CodeOf(err) == core.CodeUnauthorized { // a server that cannot tell now can tell later
		c.setCookie("", time.Unix(0, 0))
	}
	// What came by the cookie goes by the cookie: a page's script must not get at it.
	return c.answerSignIn(signIn, request.WantRefreshToken && request.RefreshToken != "", err)
}

// refreshToken reads the body, which may be empty, and the cookie. A request
// that rests on the cookie must come from this site: the browser says so.
func (c *call) refreshToken(request *rest.RefreshRequest) (string, error) {
	if c.ctx.Request.Header.ContentLength() != 0 {
		if err := c.readObject(request); err != nil {
			return "", err
		}
	}
	if request.RefreshToken != "" {
		return request.RefreshToken, nil
	}
	cookie := string(c.ctx.Request.Header.Cookie(rest.RefreshCookie))
	if cookie != "" && !c.fromHere() {
		return "", errElsewhere
	}
	return cookie, nil
}

var errElsewhere = core.Errorf(core.CodeForbidden, "the request comes from another site")

// readOwn reads the body of a request that signs in. A page of another site must
// not sign a browser in, as somebody of its choice. Who is no browser does not
// say where a request comes from.
func (c *call) readOwn(request any) error {
	if site := string(c.ctx.Request.Header.Peek("Sec-Fetch-Site")); site != "" && site != "same-origin" {
		c.abandonBody()
		return errElsewhere
	}
	return c.readObject(request)
}

// fromHere reports whether a browser's request comes from a page of this
// server. Both headers are the browser's own: no page can set them.
func (c *call) fromHere() bool {
	header := &c.ctx.Request.Header
	if site := string(header.Peek("Sec-Fetch-Site")); site != "" {
		return site == "same-origin"
	}
	origin, err := url.Parse(string(header.Peek(fasthttp.HeaderOrigin)))
	return err == nil && origin.Host != "" && origin.Host == string(header.Host())
}

func (c *call) setCookie(token string, until time.Time) {
	cookie := fasthttp.AcquireCookie()
	defer fasthttp.ReleaseCookie(cookie)
	cookie.SetKey(rest.RefreshCookie)
	cookie.SetValue(token)
	cookie.SetPath("/")
	cookie.SetExpire(until)
	cookie.SetHTTPOnly(true)
	cookie.SetSecure(true)
	cookie.SetSameSite(fasthttp.CookieSameSiteStrictMode)
	c.ctx.Response.Header.SetCookie(cookie)
}

func (c *call) answerSignIn(signIn core.SignIn, withRefresh bool, err error) error {
	if err != nil {
		return err
	}
	c.setCookie(signIn.RefreshToken, signIn.RefreshUntil)
	return c.answerJSON(fasthttp.StatusOK, newSignedIn(signIn, c.start, withRefresh))
}

// newSignedIn is a sign-in as it is answered.
func newSignedIn(s core.SignIn, now time.Time, withRefresh bool) rest.SignedIn {
	signedIn := rest.SignedIn{AccessToken: s.AccessToken, TokenType: "Bearer", ExpiresIn: int64(s.AccessUntil.Sub(now).Seconds()), User: s.User}
	if withRefresh {
		signedIn.RefreshToken = s.RefreshToken
	}
	return signedIn
}

// postLogout ends the session of the access token or of the refresh token, and
// forgets the cookie.
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
	if err := s.Accounts.Logout(c.context(), c.visitor(), who, token); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// getMe answers who makes the request.
func (s *Server) getMe(c *call) error {
	user, org, err := s.Accounts.Me(c.context(), c.who)
	if err != nil {
		return err
	}
	me := rest.Me{Organization: org, Label: c.who.Label, Role: c.who.Role, Permissions: []core.Action{}}
	if !user.ID.IsZero() {
		me.User = &user
	}
	for _, action := range core.Actions {
		if s.Authorizer.Allow(c.who, c.who.Org, action) == nil {
			me.Permissions = append(me.Permissions, action)
		}
	}
	slices.Sort(me.Permissions)
	return c.answerJSON(fasthttp.StatusOK, me)
}

// postPassword changes the password of who is signed in.
func (s *Server) postPassword(c *call) error {
	var request rest.PasswordChange
	if err := c.readObject(&request); err != nil {
		return err
	}
	if err := s.Accounts.ChangePassword(c.context(), c.visitor(), c.who, request.Password, request.NewPassword); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// postForgot sends a link, or does not: the answer is the same.
func (s *Server) postForgot(c *call) error {
	var request rest.ForgotRequest
	if err := c.readObject(&request); err != nil {
		return err
	}
	if err := s.Accounts.Forgot(c.context(), c.visitor(), request.Email); err != nil {
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
	if err := s.Accounts.Reset(c.context(), c.visitor(), request.Token, request.Password); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
