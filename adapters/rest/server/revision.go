package server

import (
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/core"
)

// setRevision sets the entity tag of a resource that can change.
func (c *call) setRevision(revision int64) {
	c.ctx.Response.Header.Set(fasthttp.HeaderETag, `"`+strconv.FormatInt(revision, 10)+`"`)
}

// revision returns the revision that a change is meant for, 0 for any.
func (c *call) revision() (int64, error) {
	return parseIfMatch(c.requestHeader(fasthttp.HeaderIfMatch))
}

// parseIfMatch returns the revision that an If-Match header names, 0 for any. A
// weak tag never matches, nor does a tag that no revision can have.
func parseIfMatch(header string) (int64, error) {
	if header == "" || header == "*" {
		return 0, nil
	}
	tag, weak := strings.CutPrefix(header, "W/")
	inner := strings.TrimSuffix(strings.TrimPrefix(tag, `"`), `"`)
	if len(tag) < 2 || len(inner) != len(tag)-2 || strings.Contains(inner, `"`) {
		return 0, core.Invalid(fasthttp.HeaderIfMatch, `must be one entity tag in quotes, such as "3", or *`)
	}
	revision, err := strconv.ParseInt(inner, 10, 64)
	if weak || err != nil || revision < 1 || strconv.FormatInt(revision, 10) != inner {
		return 0, core.Errorf(core.CodePreconditionFailed, "If-Match does not match the current entity tag of this resource")
	}
	return revision, nil
}
