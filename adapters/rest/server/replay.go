package server

import (
	"encoding/json"
	"slices"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// postLetterReplay gives one dead letter back to its group, with the payload of
// the request if it has one.
func (s *Server) postLetterReplay(c *call) error {
	id, err := c.param("id")
	if err != nil {
		return err
	}
	payload, err := c.payload()
	if err != nil {
		return err
	}
	letter, err := s.Delivery.Letters.Replay(c.context(), c.who, id, payload)
	if err != nil {
		return err
	}
	return c.answerLetter(letter)
}

// payload reads a body `{"payload": …}`, which may be missing. The payload
// stays as it is, byte for byte.
func (c *call) payload() (json.RawMessage, error) {
	if err := c.wantJSON(); err != nil {
		return nil, err
	}
	body, err := c.readBody()
	if err != nil || len(body) == 0 {
		return nil, err
	}
	if err := eventjson.ValidJSON(body); err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil || members == nil {
		return nil, core.Invalid("body", "must be a JSON object")
	}
	for name := range members {
		if name != "payload" {
			return nil, core.Invalid(name, "is not a field of this request")
		}
	}
	return slices.Clip(members["payload"]), nil
}

// postReplays starts giving back all dead letters that match. A dry run counts
// them.
func (s *Server) postReplays(c *call) error {
	var request rest.ReplayRequest
	if err := c.readObject(&request); err != nil {
		return err
	}
	spec := core.ReplaySpec{
		Query: core.LetterQuery{Stream: request.Stream, Group: request.Group, Reason: request.Reason, Type: request.Type}, Rate: request.Rate,
	}
	ctx := c.context()
	if request.DryRun {
		total, err := s.Delivery.Letters.CountReplay(ctx, c.who, spec)
		if err != nil {
			return err
		}
		return c.answerJSON(fasthttp.StatusOK, rest.ReplayCount{Total: total})
	}
	replay, err := s.Delivery.Letters.ReplayAll(ctx, c.who, spec)
	if err != nil {
		return err
	}
	c.ctx.Response.Header.Set(fasthttp.HeaderLocation, rest.ReplayPath(replay.ID.String()))
	return c.answerJSON(fasthttp.StatusAccepted, replay)
}

// getReplay answers how far a replay is.
func (s *Server) getReplay(c *call) error {
	id, err := c.param("id")
	if err != nil {
		return err
	}
	replay, err := s.Delivery.Letters.Replayed(c.context(), c.who, id)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, replay)
}

// getReplays answers a page of replays, newest first.
func (s *Server) getReplays(c *call) error {
	values, limit, err := c.pageQuery("state")
	if err != nil {
		return err
	}
	page, err := s.Delivery.Letters.Replays(c.context(), c.who, core.ReplayQuery{
		State: core.ReplayState(values.Get("state")), Cursor: values.Get("cursor"), Limit: limit,
	})
	if err != nil {
		return err
	}
	return answerList(c, rest.ReplaysPath, values, page)
}

// postReplayStop ends a replay.
func (s *Server) postReplayStop(c *call) error {
	id, err := c.param("id")
	if err != nil {
		return err
	}
	replay, err := s.Delivery.Letters.Stop(c.context(), c.who, id)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, replay)
}
