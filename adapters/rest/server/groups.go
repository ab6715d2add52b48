package server

import (
	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// group returns the stream and the group that the path names.
func (c *call) group() (stream, group string, err error) {
	if stream, err = c.stream(); err != nil {
		return "", "", err
	}
	group, err = c.param("group")
	return stream, group, err
}

// getGroups answers the groups of a stream. There are few enough of them for
// one page.
func (s *Server) getGroups(c *call) error {
	stream, err := c.stream()
	if err != nil {
		return err
	}
	groups, err := s.Delivery.Groups.List(c.context(), c.who, stream)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, rest.List[core.Group]{Items: append([]core.Group{}, groups...)})
}

// getAllGroups answers a page of the groups of all streams.
func (s *Server) getAllGroups(c *call) error {
	values, limit, err := c.pageQuery()
	if err != nil {
		return err
	}
	page, err := s.Delivery.Numbers.AllGroups(c.context(), c.who, values.Get("cursor"), limit)
	if err != nil {
		return err
	}
	return answerList(c, rest.AllGroupsPath, values, page)
}

// postGroup creates a group.
func (s *Server) postGroup(c *call) error {
	stream, err := c.stream()
	if err != nil {
		return err
	}
	var spec core.GroupSpec
	if err := c.readObject(&spec); err != nil {
		return err
	}
	group, err := s.Delivery.Groups.Create(c.context(), c.who, stream, spec)
	if err != nil {
		return err
	}
	c.ctx.Response.Header.Set(fasthttp.HeaderLocation, rest.GroupPath(group.Stream.String(), group.ID.String()))
	c.setRevision(group.Revision)
	return c.answerJSON(fasthttp.StatusCreated, group)
}

// getGroup answers a group and how far it got. The entity tag names what can be
// changed. How far the group got changes without it, so the tag says nothing
// about the whole answer, and the answer is never 304.
func (s *Server) getGroup(c *call) error {
	stream, ref, err := c.group()
	if err != nil {
		return err
	}
	ctx := c.context()
	group, err := s.Delivery.Groups.Get(ctx, c.who, stream, ref)
	if err != nil {
		return err
	}
	status, err := s.Delivery.Groups.Status(ctx, c.who, stream, group.ID.String())
	if err != nil {
		return err
	}
	c.setRevision(group.Revision)
	return c.answerJSON(fasthttp.StatusOK, rest.GroupWithStatus{Group: group, Status: status})
}

// patchGroup changes the fields that the request names.
func (s *Server) patchGroup(c *call) error {
	stream, ref, revision, err := c.groupRevision()
	if err != nil {
		return err
	}
	var change core.GroupChange
	if err := c.readObject(&change); err != nil {
		return err
	}
	group, err := s.Delivery.Groups.Change(c.context(), c.who, stream, ref, change, revision)
	if err != nil {
		return err
	}
	c.setRevision(group.Revision)
	return c.answerJSON(fasthttp.StatusOK, group)
}

// groupRevision is group, and the revision that a change is meant for.
func (c *call) groupRevision() (stream, ref string, revision int64, err error) {
	if stream, ref, err = c.group(); err != nil {
		return "", "", 0, err
	}
	revision, err = c.revision(func() (int64, error) {
		group, err := c.server.Delivery.Groups.Get(c.context(), c.who, stream, ref)
		return group.Revision, err
	})
	return stream, ref, revision, err
}

// deleteGroup removes a group and its dead letters.
func (s *Server) deleteGroup(c *call) error {
	stream, ref, revision, err := c.groupRevision()
	if err != nil {
		return err
	}
	if err := s.Delivery.Groups.Delete(c.context(), c.who, stream, ref, revision); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// getLag answers how far a group got.
func (s *Server) getLag(c *call) error {
	stream, ref, err := c.group()
	if err != nil {
		return err
	}
	status, err := s.Delivery.Groups.Status(c.context(), c.who, stream, ref)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, status)
}

// postReset moves a group to another place in its stream.
func (s *Server) postReset(c *call) error {
	stream, ref, err := c.group()
	if err != nil {
		return err
	}
	var request rest.ResetRequest
	if err := c.readObject(&request); err != nil {
		return err
	}
	if request.To == nil {
		return core.Invalid("to", `is required: "start", "end", an offset or an RFC 3339 time`)
	}
	next, err := s.Delivery.Groups.Reset(c.context(), c.who, stream, ref, *request.To)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, rest.ResetAnswer{NextOffset: next})
}
