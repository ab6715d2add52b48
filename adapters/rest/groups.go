package rest

import (
	"context"
	"net/url"

	"github.com/eventflow-go/eventflow/core"
)

// GroupsPath is the address of the consumer groups of a stream.
func GroupsPath(stream string) string { return StreamPath(stream) + "/consumer-groups" }

// GroupPath is the address of one consumer group, by id or name.
func GroupPath(stream, group string) string {
	return GroupsPath(stream) + "/" + url.PathEscape(group)
}

// AllGroupsPath is the address of the consumer groups of all streams.
const AllGroupsPath = Prefix + "/consumer-groups"

// GroupWithStatus is a group and how far it got.
type GroupWithStatus struct {
	core.Group
	Status core.GroupStatus `json:"status"`
}

// CreateGroup creates a consumer group on a stream.
func (c *Client) CreateGroup(ctx context.Context, stream string, spec core.GroupSpec) (group core.Group, err error) {
	fields := map[string]any{"name": spec.Name, "start": spec.Start}
	if spec.Mode != "" {
		fields["mode"] = spec.Mode
	}
	if spec.OrderingKey != "" {
		fields["ordering_key"] = spec.OrderingKey
	}
	setField(fields, "visibility", spec.Visibility)
	setField(fields, "max_attempts", spec.MaxAttempts)
	setField(fields, "backoff", spec.Backoff)
	err = c.post(ctx, GroupsPath(stream), fields, &group)
	return group, err
}

// Groups returns the consumer groups of a stream, by name.
func (c *Client) Groups(ctx context.Context, stream string) ([]core.Group, error) {
	var list List[core.Group]
	err := c.get(ctx, GroupsPath(stream), &list)
	return list.Items, err
}

// AllGroups returns a page of the groups of all streams, by id, each with its
// status. A limit of 0 is the server's default.
func (c *Client) AllGroups(ctx context.Context, cursor string, limit int) (page List[core.GroupOverview], err error) {
	err = c.get(ctx, withQuery(AllGroupsPath, pageQuery(cursor, limit)), &page)
	return page, err
}

// Group returns a group, by id or name, and how far it got.
func (c *Client) Group(ctx context.Context, stream, group string) (found GroupWithStatus, err error) {
	err = c.get(ctx, GroupPath(stream, group), &found)
	return found, err
}

// ChangeGroup changes the fields that are set; revision is as for
// [Client.ChangeStream].
func (c *Client) ChangeGroup(ctx context.Context, stream, group string, change core.GroupChange, revision int64) (changed core.Group, err error) {
	err = c.patch(ctx, GroupPath(stream, group), revision, change, &changed)
	return changed, err
}

// DeleteGroup removes a group with its dead letters.
func (c *Client) DeleteGroup(ctx context.Context, stream, group string, revision int64) error {
	return c.delete(ctx, GroupPath(stream, group), revision)
}

// ResetRequest moves a group to another place in its stream.
type ResetRequest struct {
	To *core.Start `json:"to"`
}

// ResetAnswer says where a group is after a reset.
type ResetAnswer struct {
	NextOffset core.Offset `json:"next_offset"`
}

// ResetGroup moves a group to a place in its stream and returns its next offset.
func (c *Client) ResetGroup(ctx context.Context, stream, group string, to core.Start) (core.Offset, error) {
	var answer ResetAnswer
	err := c.post(ctx, GroupPath(stream, group)+"/reset", ResetRequest{To: &to}, &answer)
	return answer.NextOffset, err
}

// Lag says how far a group got.
func (c *Client) Lag(ctx context.Context, stream, group string) (status core.GroupStatus, err error) {
	err = c.get(ctx, GroupPath(stream, group)+"/lag", &status)
	return status, err
}
