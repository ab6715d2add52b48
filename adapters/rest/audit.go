package rest

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// AuditPath is the audit trail.
const AuditPath = Prefix + "/audit"

// AuditPage returns a page of the audit trail.
func (c *Client) AuditPage(ctx context.Context, query core.EventQuery) (page List[core.Event], err error) {
	err = c.get(ctx, withQuery(AuditPath, Query(query)), &page)
	return page, err
}
