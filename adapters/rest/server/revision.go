package server

import (
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/core"
)

// errChanged is the answer to a condition that does not hold.
var errChanged = core.Errorf(core.CodePreconditionFailed, "If-Match does not match the current entity tag of this resource")

// answerRevised answers with a resource that can change. Its revision is its
// entity tag. A client that has it already is told so instead.
func (c *call) answerRevised(status int, revision int64, body any) error {
	tag := c.setRevision(revision)
	if !c.ctx.IsGet() && !c.ctx.IsHead() {
		return c.answerJSON(status, body)
	}
	wanted, err := parseIfMatch(c.requestHeader(fasthttp.HeaderIfMatch))
	switch {
	case err != nil:
		return err
	case len(wanted) > 0 && !slices.Contains(wanted, revision):
		return errChanged
	case matchesETag(c.requestHeader(fasthttp.HeaderIfNoneMatch), tag):
		c.ctx.SetStatusCode(fasthttp.StatusNotModified)
		return nil
	}
	return c.answerJSON(status, body)
}

// setRevision sets the entity tag of a resource that can change, and returns it.
func (c *call) setRevision(revision int64) (tag string) {
	tag = `"` + strconv.FormatInt(revision, 10) + `"`
	c.ctx.Response.Header.Set(fasthttp.HeaderETag, tag)
	return tag
}

// revision returns the revision that a change is meant for, 0 for any. If the
// request names several, the current one is looked up, and is the answer if it
// is among them: the change fails if it is not the current one any more.
func (c *call) revision(current func() (int64, error)) (int64, error) {
	if c.hasHeader(fasthttp.HeaderIfNoneMatch) {
		return 0, core.Invalid(fasthttp.HeaderIfNoneMatch, "is for reading: name the revision to be changed in If-Match")
	}
	wanted, err := parseIfMatch(c.requestHeader(fasthttp.HeaderIfMatch))
	switch {
	case err != nil || len(wanted) == 0:
		return 0, err
	case len(wanted) == 1:
		return wanted[0], nil
	}
	now, err := current()
	if err == nil && !slices.Contains(wanted, now) {
		err = errChanged
	}
	return now, err
}

// checkRevision holds a change that knows no revisions to If-Match.
func (c *call) checkRevision(current func() (int64, error)) error {
	wanted, err := c.revision(current)
	if err != nil || wanted == 0 {
		return err
	}
	now, err := current()
	if err == nil && now != wanted {
		err = errChanged
	}
	return err
}

// parseIfMatch returns the revisions that an If-Match header names, none for
// any. Tags that no revision can have never match.
//
// RFC 9110 has weak tags never match here, since what they name may differ in its
// bytes. The tags of revisions are strong when they leave this server. A proxy
// that compresses an answer makes them weak, though the revision is the same,
// and no change would ever get through. So the weak form counts as well.
func parseIfMatch(header string) (revisions []int64, err error) {
	if strings.Trim(header, " \t,") == "" || header == "*" {
		return nil, nil
	}
	tags, ok := entityTags(header)
	if !ok || slices.Contains(tags, "*") {
		return nil, core.Invalid(fasthttp.HeaderIfMatch, `must be entity tags in quotes, such as "3", or *`)
	}
	for _, tag := range tags {
		inner := tag[1 : len(tag)-1]
		revision, err := strconv.ParseInt(inner, 10, 64)
		if err == nil && revision >= 1 && strconv.FormatInt(revision, 10) == inner {
			revisions = append(revisions, revision)
		}
	}
	if revisions == nil {
		return nil, errChanged
	}
	return revisions, nil
}

// matchesETag reports whether an If-None-Match header names an entity tag. That
// header compares weak tags like strong ones.
func matchesETag(header, etag string) bool {
	tags, _ := entityTags(header)
	return slices.Contains(tags, "*") || slices.Contains(tags, strings.TrimPrefix(etag, "W/"))
}

// entityTags returns the entity tags of a list, without the mark of weak ones.
// ok is false if something else is in the list: then tags are those that could
// be read. In a tag, unlike in a quoted string, a backslash means itself.
func entityTags(list string) (tags []string, ok bool) {
	ok = true
	for rest := strings.TrimLeft(list, " \t,"); rest != ""; rest = strings.TrimLeft(rest, " \t,") {
		tag := strings.TrimPrefix(rest, "W/")
		if tag == "" {
			return tags, false
		}
		end := strings.IndexByte(tag[1:], '"') + 2
		switch {
		case tag[0] == '*':
			end = 1
		case tag[0] != '"' || end < 2:
			ok = false
			_, rest, _ = strings.Cut(rest, ",")
			continue
		}
		tags, rest = append(tags, tag[:end]), tag[end:]
		if after := strings.TrimLeft(rest, " \t"); after != "" && after[0] != ',' {
			ok, tags = false, tags[:len(tags)-1]
			_, rest, _ = strings.Cut(rest, ",")
		}
	}
	return tags, ok
}
