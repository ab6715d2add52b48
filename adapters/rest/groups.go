package rest

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"strconv"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// CreateGroup makes a consumer group on a stream.
func (c *Client) CreateGroup(ctx context.Context, stream string, spec core.GroupSpec) (group core.Group, err error) {
	fields := map[string]any{"name": spec.Name, "start": spec.Start}
	if spec.Mode != "" {
		fields["mode"] = spec.Mode
	}
	setField(fields, "visibility", spec.Visibility)
	setField(fields, "max_attempts", spec.MaxAttempts)
	setField(fields, "backoff", spec.Backoff)
	err = c.call(ctx, "POST", GroupsPath(stream), nil, fields, &group)
	return group, err
}

// Groups returns the consumer groups of a stream, by name.
func (c *Client) Groups(ctx context.Context, stream string) ([]core.Group, error) {
	var list List[core.Group]
	err := c.call(ctx, "GET", GroupsPath(stream), nil, nil, &list)
	return list.Items, err
}

// AllGroups returns a page of the groups of all streams, by id, each with its
// status. A limit of 0 is the server's default.
func (c *Client) AllGroups(ctx context.Context, cursor string, limit int) (page List[core.GroupOverview], err error) {
	query := url.Values{}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	err = c.call(ctx, "GET", withQuery(AllGroupsPath, query), nil, nil, &page)
	return page, err
}

// Group returns a group, by id or name, and how far it got.
func (c *Client) Group(ctx context.Context, stream, group string) (found GroupWithStatus, err error) {
	err = c.call(ctx, "GET", GroupPath(stream, group), nil, nil, &found)
	return found, err
}

// ChangeGroup changes the fields that are set; revision is as for
// [Client.ChangeStream].
func (c *Client) ChangeGroup(ctx context.Context, stream, group string, change core.GroupChange, revision int64) (changed core.Group, err error) {
	err = c.call(ctx, "PATCH", GroupPath(stream, group), ifMatch(revision), change, &changed)
	return changed, err
}

// DeleteGroup removes a group with its dead letters.
func (c *Client) DeleteGroup(ctx context.Context, stream, group string, revision int64) error {
	return c.call(ctx, "DELETE", GroupPath(stream, group), ifMatch(revision), nil, nil)
}

// ResetGroup moves a group to a place in its stream and returns its next offset.
func (c *Client) ResetGroup(ctx context.Context, stream, group string, to core.Start) (core.Offset, error) {
	var answer ResetAnswer
	err := c.call(ctx, "POST", GroupPath(stream, group)+"/reset", nil, ResetRequest{To: &to}, &answer)
	return answer.NextOffset, err
}

// Lag says how far a group got.
func (c *Client) Lag(ctx context.Context, stream, group string) (status core.GroupStatus, err error) {
	err = c.call(ctx, "GET", GroupPath(stream, group)+"/lag", nil, nil, &status)
	return status, err
}

// PollOptions says what a poll asks for.
type PollOptions struct {
	// Limit bounds the events; 0 is the server's default.
	Limit int
	// Wait is how long to wait for the first event.
	Wait time.Duration
}

// Poll takes events out of a group, under a lease. [Client.Consume] does this
// and the rest.
func (c *Client) Poll(ctx context.Context, stream, group string, options PollOptions) (delivery Delivery, err error) {
	query := url.Values{}
	if options.Limit > 0 {
		query.Set("limit", strconv.Itoa(options.Limit))
	}
	if options.Wait > 0 {
		query.Set("timeout", strconv.FormatFloat(options.Wait.Seconds(), 'f', -1, 64))
	}
	err = c.call(ctx, "GET", withQuery(GroupPath(stream, group)+"/events", query), nil, nil, &delivery)
	return delivery, err
}

// Commit settles everything up to an offset, of the run that holds it.
func (c *Client) Commit(ctx context.Context, stream, group string, request CommitRequest) (committed Committed, err error) {
	err = c.call(ctx, "POST", GroupPath(stream, group)+"/offsets", nil, request, &committed)
	return committed, err
}

// Ack settles events of a lease, all of it when there are no offsets.
func (c *Client) Ack(ctx context.Context, stream, group string, lease core.ID, offsets ...core.Offset) error {
	return c.call(ctx, "POST", GroupPath(stream, group)+"/ack", nil, AckRequest{Lease: &lease, Offsets: offsets}, nil)
}

// Nack refuses events of a lease.
func (c *Client) Nack(ctx context.Context, stream, group string, lease core.ID, events ...Nack) error {
	return c.call(ctx, "POST", GroupPath(stream, group)+"/nack", nil, NackRequest{Lease: &lease, Events: events}, nil)
}

// Extend asks for more time, as much as the group gives when visibility is nil,
// and returns until when. A visibility of 0 gives the rest of the lease back.
func (c *Client) Extend(ctx context.Context, stream, group string, lease core.ID, visibility *core.Seconds) (time.Time, error) {
	var extended Extended
	err := c.call(ctx, "POST", GroupPath(stream, group)+"/extend", nil, ExtendRequest{&lease, visibility}, &extended)
	return extended.ExpiresAt, err
}

// Trace says what has become of an event.
func (c *Client) Trace(ctx context.Context, id string) (trace core.EventTrace, err error) {
	err = c.call(ctx, "GET", EventsPath+"/"+url.PathEscape(id)+"/trace", nil, nil, &trace)
	return trace, err
}

// letterQuery writes the parameters that select dead letters.
func letterQuery(q core.LetterQuery) url.Values {
	values := url.Values{}
	for name, value := range map[string]string{
		"stream": q.Stream, "group": q.Group, "reason": q.Reason, "type": q.Type, "state": string(q.State), "cursor": q.Cursor,
	} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if q.Limit > 0 {
		values.Set("limit", strconv.Itoa(q.Limit))
	}
	return values
}

// DeadLettersPage returns a page of dead letters, newest first.
func (c *Client) DeadLettersPage(ctx context.Context, query core.LetterQuery) (page List[core.DeadLetter], err error) {
	err = c.call(ctx, "GET", withQuery(DeadLettersPath, letterQuery(query)), nil, nil, &page)
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

// DeadLetterCounts counts dead letters by stream, group and reason.
func (c *Client) DeadLetterCounts(ctx context.Context, query core.LetterQuery) ([]core.LetterCount, error) {
	query.Cursor, query.Limit = "", 0
	var list List[core.LetterCount]
	err := c.call(ctx, "GET", withQuery(DeadLettersPath+"/counts", letterQuery(query)), nil, nil, &list)
	return list.Items, err
}

// DeadLetter returns a dead letter.
func (c *Client) DeadLetter(ctx context.Context, id string) (letter core.DeadLetter, err error) {
	err = c.call(ctx, "GET", DeadLetterPath(id), nil, nil, &letter)
	return letter, err
}

// ReplayDeadLetter gives a dead letter back to its group, with another payload
// when there is one.
func (c *Client) ReplayDeadLetter(ctx context.Context, id string, payload json.RawMessage) (letter core.DeadLetter, err error) {
	body := []byte(`{}`)
	if payload != nil {
		body = append(append([]byte(`{"payload":`), payload...), '}')
	}
	err = c.exchange(ctx, "POST", DeadLetterPath(id)+"/replay", nil, body, &letter)
	return letter, err
}

// DiscardDeadLetter throws a dead letter away.
func (c *Client) DiscardDeadLetter(ctx context.Context, id string) error {
	return c.call(ctx, "POST", DeadLetterPath(id)+"/discard", nil, nil, nil)
}

// ReplayDeadLetters starts to give back all dead letters that match;
// [Client.Replay] says how far it is.
func (c *Client) ReplayDeadLetters(ctx context.Context, request ReplayRequest) (replay core.Replay, err error) {
	request.DryRun = false
	err = c.call(ctx, "POST", DeadLettersPath+"/replay", nil, request, &replay)
	return replay, err
}

// CountReplay returns how many dead letters ReplayDeadLetters would give back.
func (c *Client) CountReplay(ctx context.Context, request ReplayRequest) (int64, error) {
	request.DryRun = true
	var count ReplayCount
	err := c.call(ctx, "POST", DeadLettersPath+"/replay", nil, request, &count)
	return count.Total, err
}

// Replay returns how far a replay of dead letters is.
func (c *Client) Replay(ctx context.Context, id string) (replay core.Replay, err error) {
	err = c.call(ctx, "GET", ReplayPath(id), nil, nil, &replay)
	return replay, err
}
