package rest

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/eventflow-go/eventflow/core"
)

// ReplaysPath is the address of the replays of dead letters.
const ReplaysPath = DeadLettersPath + "/replays"

// ReplayPath is the address of one replay of dead letters.
func ReplayPath(id string) string { return ReplaysPath + "/" + url.PathEscape(id) }

// ReplayDeadLetter gives a dead letter back to its group. If payload is not
// nil, the group gets the event with that payload.
func (c *Client) ReplayDeadLetter(ctx context.Context, id string, payload json.RawMessage) (letter core.DeadLetter, err error) {
	body := []byte(`{}`)
	if payload != nil {
		body = append(append([]byte(`{"payload":`), payload...), '}')
	}
	err = c.do(ctx, request{method: "POST", path: DeadLetterPath(id) + "/replay", body: body}, &letter)
	return letter, err
}

// ReplayRequest gives dead letters back to their groups: all that match the
// fields that are set.
type ReplayRequest struct {
	Stream string `json:"stream,omitempty"`
	Group  string `json:"group,omitempty"`
	Reason string `json:"reason,omitempty"`
	Type   string `json:"event_type,omitempty"`
	// Rate is how many letters are given back per second at most, from
	// [core.MinReplayRate] on; 0 is no limit.
	Rate float64 `json:"rate,omitempty"`
	// DryRun only counts them.
	DryRun bool `json:"dry_run,omitempty"`
}

// ReplayDeadLetters starts to give back all dead letters that match.
// [Client.Replay] says how far it got.
func (c *Client) ReplayDeadLetters(ctx context.Context, request ReplayRequest) (replay core.Replay, err error) {
	request.DryRun = false
	err = c.post(ctx, DeadLettersPath+"/replay", request, &replay)
	return replay, err
}

// ReplayCount is the answer to a dry run.
type ReplayCount struct {
	Total int64 `json:"total"`
}

// CountReplay returns how many dead letters ReplayDeadLetters would give back.
func (c *Client) CountReplay(ctx context.Context, request ReplayRequest) (int64, error) {
	request.DryRun = true
	var count ReplayCount
	err := c.post(ctx, DeadLettersPath+"/replay", request, &count)
	return count.Total, err
}

// Replay returns how far a replay of dead letters got.
func (c *Client) Replay(ctx context.Context, id string) (replay core.Replay, err error) {
	err = c.get(ctx, ReplayPath(id), &replay)
	return replay, err
}

// ReplaysPage returns a page of replays, newest first.
func (c *Client) ReplaysPage(ctx context.Context, query core.ReplayQuery) (page List[core.Replay], err error) {
	values := pageQuery(query.Cursor, query.Limit)
	if query.State != "" {
		values.Set("state", string(query.State))
	}
	err = c.get(ctx, withQuery(ReplaysPath, values), &page)
	return page, err
}

// StopReplay ends a replay of dead letters before its end. A replay that has ended stays
// as it is.
func (c *Client) StopReplay(ctx context.Context, id string) (replay core.Replay, err error) {
	err = c.post(ctx, ReplayPath(id)+"/stop", struct{}{}, &replay)
	return replay, err
}
