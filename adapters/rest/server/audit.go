package server

import (
	"github.com/eventflow-go/eventflow/adapters/rest"
)

// getAudit answers a page of the audit trail.
func (s *Server) getAudit(c *call) error {
	_, query, err := c.eventQuery()
	if err != nil {
		return err
	}
	page, err := s.Trail.Page(c.context(), c.who, query)
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
