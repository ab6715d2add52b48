package server

import (
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// getAudit answers a page of the audit trail.
func (s *Server) getAudit(c *call) error {
	_, query, err := c.eventQuery()
	if err != nil {
		return err
	}
	page, err := s.Audit.Trail(c.context(), c.who, query)
	if err != nil {
		return err
	}
	if page.HasMore {
		query.Cursor = page.NextCursor
		c.setNext(rest.AuditPath, rest.Query(query))
	}
	c.answerPage(page)
	return nil
}

// record adds to the audit trail what the caller did.
func (c *call) record(action core.AuditAction, kind, target string) {
	if c.server.Audit != nil {
		c.server.Audit.Record(c.context(), core.AuditRecord{
			Who: c.who, Action: action, Kind: kind, Target: target, From: c.visitor(),
		})
	}
}
