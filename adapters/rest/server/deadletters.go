package server

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// getDeadLetters answers a page of dead letters, newest first.
func (s *Server) getDeadLetters(c *call) error {
	values, err := c.query("stream", "group", "reason", "type", "state", "cursor", "limit")
	if err != nil {
		return err
	}
	limit, err := parseLimit(values)
	if err != nil {
		return err
	}
	page, err := s.Letters.List(c.context(), c.who, core.LetterQuery{
		Stream: values.Get("stream"), Group: values.Get("group"), Reason: values.Get("reason"), Type: values.Get("type"),
		State: core.LetterState(values.Get("state")), Cursor: values.Get("cursor"), Limit: limit,
	})
	if err != nil {
		return err
	}
	if page.HasMore {
		values.Set("cursor", page.NextCursor)
		c.setNext(rest.DeadLettersPath, values)
	}
	b := []byte(`{"items":[`)
	for i := range page.Items {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendLetter(b, &page.Items[i]); err != nil {
			return err
		}
	}
	pagination, err := json.Marshal(rest.Pagination{NextCursor: page.NextCursor, HasMore: page.HasMore})
	b = append(append(append(b, `],"pagination":`...), pagination...), '}')
	c.answer(fasthttp.StatusOK, contentJSON, b)
	return err
}

// appendLetter appends a dead letter as JSON, its event byte for byte:
// encoding/json would compact the payload.
func appendLetter(b []byte, letter *core.DeadLetter) ([]byte, error) {
	const place = `"event":{}`
	encoded, err := json.Marshal(struct {
		*core.DeadLetter
		Event struct{} `json:"event"`
	}{DeadLetter: letter})
	before, after, _ := bytes.Cut(encoded, []byte(place))
	b = append(append(b, before...), `"event":`...)
	return append(appendEvent(b, &letter.Event), after...), err
}

func (c *call) answerLetter(letter core.DeadLetter) error {
	body, err := appendLetter(nil, &letter)
	if err != nil {
		return err
	}
	c.answer(fasthttp.StatusOK, contentJSON, body)
	return nil
}

// getDeadLetterCounts answers how many dead letters there are for each reason.
func (s *Server) getDeadLetterCounts(c *call) error {
	values, err := c.query("stream", "group", "reason", "type", "state")
	if err != nil {
		return err
	}
	counts, err := s.Letters.Counts(c.context(), c.who, core.LetterQuery{
		Stream: values.Get("stream"), Group: values.Get("group"), Reason: values.Get("reason"), Type: values.Get("type"),
		State: core.LetterState(values.Get("state")),
	})
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, rest.List[core.LetterCount]{Items: append([]core.LetterCount{}, counts...)})
}

// getDeadLetter answers one dead letter.
func (s *Server) getDeadLetter(c *call) error {
	id, err := c.param("id")
	if err != nil {
		return err
	}
	letter, err := s.Letters.Get(c.context(), c.who, id)
	if err != nil {
		return err
	}
	return c.answerLetter(letter)
}

// postLetterReplay gives one dead letter back, with the payload of the body
// where it has one.
func (s *Server) postLetterReplay(c *call) error {
	id, err := c.param("id")
	if err != nil {
		return err
	}
	payload, err := c.payload()
	if err != nil {
		return err
	}
	letter, err := s.Letters.Replay(c.context(), c.who, id, payload)
	if err != nil {
		return err
	}
	c.record(core.AuditLettersReplayed, "deadletter", id)
	return c.answerLetter(letter)
}

// payload reads an optional body `{"payload": …}`, whose value is kept byte for
// byte.
func (c *call) payload() (json.RawMessage, error) {
	if err := c.wantJSON(); err != nil {
		return nil, err
	}
	body, err := c.readBody(core.MaxEventBytes)
	if err != nil || len(body) == 0 {
		return nil, err
	}
	if err := core.ValidJSON(body); err != nil {
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

// postDiscard throws a dead letter away.
func (s *Server) postDiscard(c *call) error {
	id, err := c.param("id")
	if err != nil {
		return err
	}
	if err := s.Letters.Discard(c.context(), c.who, id); err != nil {
		return err
	}
	c.record(core.AuditLetterDiscarded, "deadletter", id)
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// postReplays starts to give back the dead letters that match, or counts them.
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
		total, err := s.Letters.CountReplay(ctx, c.who, spec)
		if err != nil {
			return err
		}
		return c.answerJSON(fasthttp.StatusOK, rest.ReplayCount{Total: total})
	}
	replay, err := s.Letters.ReplayAll(ctx, c.who, spec)
	if err != nil {
		return err
	}
	c.record(core.AuditLettersReplayed, "replay", replay.ID.String())
	c.ctx.Response.Header.Set(fasthttp.HeaderLocation, rest.ReplayPath(replay.ID.String()))
	return c.answerJSON(fasthttp.StatusAccepted, replay)
}

// getReplay answers how far a replay is.
func (s *Server) getReplay(c *call) error {
	id, err := c.param("id")
	if err != nil {
		return err
	}
	replay, err := s.Letters.Replayed(c.context(), c.who, id)
	if err != nil {
		return err
	}
	return c.answerJSON(fasthttp.StatusOK, replay)
}
