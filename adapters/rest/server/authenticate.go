package server

import (
	"bytes"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

var (
	errNoCredential = core.Errorf(core.CodeUnauthorized, "an API key is required, in the X-API-Key or the Authorization: Bearer header")
	errCredentials  = core.Errorf(core.CodeUnauthorized, "the request presents two different credentials")
)

// authenticate finds out who makes a request. It looks at headers only: a key
// in an address would end up in logs and browser histories.
func (s *Server) authenticate(c *call) (core.Principal, error) {
	key := c.ctx.Request.Header.Peek(rest.HeaderAPIKey)
	authorization := c.ctx.Request.Header.Peek(fasthttp.HeaderAuthorization)
	// Another scheme than Bearer is for somebody else: a proxy that asks for a
	// password passes it on, next to the key.
	if token := bearerToken(authorization); token != nil {
		if len(key) > 0 && !bytes.Equal(key, token) {
			return core.Principal{}, errCredentials
		}
		key = token
	}
	if len(key) == 0 {
		return core.Principal{}, errNoCredential
	}
	c.credential = key
	if isAccessToken(key) {
		return s.Identity.SignIns.Authenticate(c.context(), string(key))
	}
	return s.Identity.Access.Authenticate(c.context(), string(key))
}

// lasting returns the caller of a request that lasts, who is looked at again while it
// does. The credential is copied: the request's buffers are gone before its answer is.
func (c *call) lasting() core.Principal {
	who := c.who
	if who.User.IsZero() {
		who.Credential = c.server.Identity.Access.Credential(string(c.credential))
	} else {
		who.Credential = c.server.Identity.SignIns.Credential(who)
	}
	return who
}

// isAccessToken tells a JSON Web Token from a key, which has no dots.
func isAccessToken(credential []byte) bool { return bytes.Count(credential, []byte(".")) == 2 }

// bearerToken returns the token of an Authorization header, or nothing when the
// header has another scheme.
func bearerToken(authorization []byte) []byte {
	const scheme = "Bearer "
	if len(authorization) < len(scheme) || !bytes.EqualFold(authorization[:len(scheme)], []byte(scheme)) {
		return nil
	}
	return bytes.TrimLeft(authorization[len(scheme):], " ")
}
