package server

import (
	"bytes"
	"compress/gzip"
	"errors"
	"mime"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// Page is a file of the dashboard, ready to be sent.
type Page struct {
	ContentType string
	// Body may be missing if there is Gzip. Then clients that take nothing
	// compressed get Gzip unpacked, and Size is its length.
	Body         []byte
	Gzip, Brotli []byte
	Size         int
	// ETag is the same for all encodings, so it is a weak one.
	ETag         string
	CacheControl string
	// CSP is the Content-Security-Policy.
	CSP string
}

// RouteSite is the route that Observe is told for the dashboard's files and
// pages.
const RouteSite = "site"

// siteRoute is the route of the dashboard. It is not in the table, because the
// dashboard is asked only for paths that no route matches.
var siteRoute = &route{Route: Route{Method: fiber.MethodGet, Path: RouteSite, Action: Public}}

// failed answers a request for which the router or a handler returned an error.
// A path that the router does not know may be the dashboard's.
func (s *Server) failed(c *call, err error) {
	var ofFiber *fiber.Error
	unmatched := errors.As(err, &ofFiber) && ofFiber.Code == fiber.StatusNotFound
	if unmatched && s.answerSite(c) {
		return
	}
	c.fail(err)
}

// answerSite answers with the dashboard's file or page at this address, and
// reports whether there is one. It is not counted against a rate: answering
// costs no more than refusing would.
func (s *Server) answerSite(c *call) bool {
	if s.Site == nil || !c.ctx.IsGet() && !c.ctx.IsHead() {
		return false
	}
	html := quality(c.requestHeader(fasthttp.HeaderAccept), "text/html") > 0
	page, found := s.Site(string(c.ctx.URI().PathOriginal()), html)
	if !found {
		return false
	}
	// A path that reads differently once it is decoded must lead to a page either
	// way.
	if _, found = s.Site(string(c.ctx.URI().Path()), html); !found {
		return false
	}
	c.route = siteRoute
	c.answerSitePage(&page)
	return true
}

func (c *call) answerSitePage(page *Page) {
	header := &c.ctx.Response.Header
	vary := fasthttp.HeaderAcceptEncoding
	if strings.HasPrefix(page.ContentType, "text/html") {
		vary = fasthttp.HeaderAccept + ", " + vary // others get JSON there
	}
	header.Set(fasthttp.HeaderVary, vary)
	header.Set(fasthttp.HeaderETag, page.ETag)
	header.Set(fasthttp.HeaderCacheControl, page.CacheControl)
	header.Set(fasthttp.HeaderContentSecurityPolicy, page.CSP)
	if matchesETag(c.requestHeader(fasthttp.HeaderIfNoneMatch), page.ETag) {
		c.ctx.SetStatusCode(fasthttp.StatusNotModified)
		return
	}
	encoding, body := page.encoded(c.requestHeader(fasthttp.HeaderAcceptEncoding))
	if encoding != "" {
		header.Set(fasthttp.HeaderContentEncoding, encoding)
	}
	if body == nil && page.Gzip != nil {
		c.answerUnpacked(page)
		return
	}
	c.answer(fasthttp.StatusOK, []byte(page.ContentType), body)
}

// answerUnpacked answers the few clients that take nothing compressed.
func (c *call) answerUnpacked(page *Page) {
	unpacked, err := gzip.NewReader(bytes.NewReader(page.Gzip))
	if err != nil {
		c.fail(err)
		return
	}
	c.ctx.Response.Header.SetContentType(page.ContentType)
	c.ctx.SetBodyStream(unpacked, page.Size)
}

// encoded chooses the form of a page that an Accept-Encoding header wants most.
// If it wants several alike, the smallest one is taken.
func (p *Page) encoded(accept string) (encoding string, body []byte) {
	wanted := encodings(accept)
	best := wanted["identity"]
	body = p.Body
	if q := wanted["gzip"]; p.Gzip != nil && q > 0 && q >= best {
		encoding, body, best = "gzip", p.Gzip, q
	}
	if q := wanted["br"]; p.Brotli != nil && q > 0 && q >= best {
		encoding, body = "br", p.Brotli
	}
	return encoding, body
}

// encodings reads how much an Accept-Encoding header wants each encoding. A
// client takes the page without any encoding unless it says that it does not,
// but that is the last choice.
func encodings(accept string) map[string]float64 {
	const last = 0.0001
	wanted := map[string]float64{}
	for part := range elements(accept) {
		name, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		if name == "x-gzip" {
			name = "gzip" // as RFC 9110, section 8.4.1.3, has it
		}
		wanted[name] = 1
		if q, given := parameters["q"]; given {
			wanted[name], _ = strconv.ParseFloat(q, 64) // 0 is not at all
		}
	}
	for _, name := range []string{"br", "gzip"} {
		if _, named := wanted[name]; !named {
			wanted[name] = wanted["*"]
		}
	}
	if _, named := wanted["identity"]; !named {
		wanted["identity"] = last
	}
	return wanted
}
