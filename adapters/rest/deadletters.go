package rest

import (
	"context"
	"iter"
	"net/url"

	"github.com/eventflow-go/eventflow/core"
)

// DeadLettersPath is the address of the list of dead letters.
const DeadLettersPath = Prefix + "/dead-letters"

// DeadLetterPath is the address of one dead letter.
func DeadLetterPath(id string) string { return DeadLettersPath + "/" + url.PathEscape(id) }

// DeadLettersPage returns a page of dead letters, newest first.
func (c *Client) DeadLettersPage(ctx context.Context, query core.LetterQuery) (page List[core.DeadLetter], err error) {
	err = c.get(ctx, withQuery(DeadLettersPath, letterQuery(query)), &page)
	return page, err
}

// DeadLetters returns all dead letters that match, newest first. It stops after
// an error.
func (c *Client) DeadLetters(ctx context.Context, query core.LetterQuery) iter.Seq2[core.DeadLetter, error] {
	return pages(func(cursor string) (List[core.DeadLetter], error) {
		if cursor != "" {
			query.Cursor = cursor
		}
		return c.DeadLettersPage(ctx, query)
	})
}

// letterQuery returns the parameters that select dead letters.
func letterQuery(q core.LetterQuery) url.Values {
	values := pageQuery(q.Cursor, q.Limit)
	for name, value := range map[string]string{
		"stream": q.Stream, "group": q.Group, "reason": q.Reason, "type": q.Type, "state": string(q.State),
	} {
		if value != "" {
			values.Set(name, value)
		}
	}
	return values
}

// DeadLetterCounts counts dead letters by stream, group and reason.
func (c *Client) DeadLetterCounts(ctx context.Context, query core.LetterQuery) ([]core.LetterCount, error) {
	query.Cursor, query.Limit = "", 0
	var list List[core.LetterCount]
	err := c.get(ctx, withQuery(DeadLettersPath+"/counts", letterQuery(query)), &list)
	return list.Items, err
}

// DeadLetter returns a dead letter.
func (c *Client) DeadLetter(ctx context.Context, id string) (letter core.DeadLetter, err error) {
	err = c.get(ctx, DeadLetterPath(id), &letter)
	return letter, err
}

// DiscardDeadLetter throws a dead letter away.
func (c *Client) DiscardDeadLetter(ctx context.Context, id string) error {
	return c.post(ctx, DeadLetterPath(id)+"/discard", nil, nil)
}
