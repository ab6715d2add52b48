package server

import (
	"bytes"
	"encoding/json"

	"github.com/valyala/fasthttp"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// getDeadLetters answers a page of dead letters, newest first.
func (s *Server) getDeadLetters(c *call) error {
	values, limit, err := c.pageQuery("stream", "group", "reason", "type", "state")
	if err != nil {
		return err
	}
	page, err := s.Delivery.Letters.List(c.context(), c.who, core.LetterQuery{
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

// appendLetter appends a dead letter as JSON. encoding/json would compact the
// payload of its event, which goes out byte for byte.
func appendLetter(b []byte, letter *core.DeadLetter) ([]byte, error) {
	const place = `"event":{}`
	encoded, err := json.Marshal(struct {
		*core.DeadLetter
		Event struct{} `json:"event"`
	}{DeadLetter: letter})
	before, after, _ := bytes.Cut(encoded, []byte(place))
	b = append(append(b, before...), `"event":`...)
	return append(eventjson.AppendEvent(b, &letter.Event), after...), err
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
	counts, err := s.Delivery.Letters.Counts(c.context(), c.who, core.LetterQuery{
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
	letter, err := s.Delivery.Letters.Get(c.context(), c.who, id)
	if err != nil {
		return err
	}
	return c.answerLetter(letter)
}

// postDiscard throws a dead letter away.
func (s *Server) postDiscard(c *call) error {
	id, err := c.param("id")
	if err != nil {
		return err
	}
	if err := s.Delivery.Letters.Discard(c.context(), c.who, id); err != nil {
		return err
	}
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}
