package server

import (
	"net/url"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

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

// endReplaced ends the session whose cookie a sign-in is about to overwrite.
// Nobody would hold its refresh token any more, and so nobody could end it.
func (c *call) endReplaced() error {
	replaced := string(c.ctx.Request.Header.Cookie(rest.RefreshCookie))
	return c.server.Identity.SignIns.Logout(c.context(), core.Principal{}, replaced)
}

// refreshToken returns the refresh token of the body or, if there is none, of
// the cookie. The body may be empty.
func (c *call) refreshToken(request *rest.RefreshRequest) (string, error) {
	if c.ctx.Request.Header.ContentLength() != 0 {
		if err := c.readObject(request); err != nil {
			return "", err
		}
	}
	return c.tokenOrCookie(request.RefreshToken)
}

// tokenOrCookie returns a refresh token or, if there is none, the cookie's. A browser
// sends the cookie whichever page asks it to, so a request with the cookie alone must
// come from a page of this server.
func (c *call) tokenOrCookie(token string) (string, error) {
	if token != "" {
		return token, nil
	}
	cookie := string(c.ctx.Request.Header.Cookie(rest.RefreshCookie))
	if cookie != "" && !c.fromHere() {
		return "", errElsewhere
	}
	return cookie, nil
}

var errElsewhere = core.Errorf(core.CodeForbidden, "the request comes from another site")

// readOwn reads the body of a request that signs in. A page of another site
// must not sign a browser in as somebody of that page's choice. Clients other
// than browsers do not say where a request comes from, and need not. The body must
// say that it is JSON: a form of another page cannot, and a request that can is
// asked for first by the browser.
func (c *call) readOwn(request any) error {
	told := c.requestHeader("Sec-Fetch-Site") != "" || c.hasHeader(fasthttp.HeaderOrigin)
	if told && !c.fromHere() {
		c.abandonBody()
		return errElsewhere
	}
	if len(c.ctx.Request.Header.ContentType()) == 0 {
		c.abandon()
		return unsupported(fasthttp.HeaderContentType, "must be application/json")
	}
	return c.readObject(request)
}

// fromHere reports whether a browser's request comes from a page of this
// server. Both headers are the browser's own: no page can set them.
func (c *call) fromHere() bool {
	if site := c.requestHeader("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	origin, err := url.Parse(c.requestHeader(fasthttp.HeaderOrigin))
	return err == nil && origin.Host != "" && origin.Host == string(c.ctx.Request.Header.Host())
}
