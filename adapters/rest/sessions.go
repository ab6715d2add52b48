package rest

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// SessionsPath is the address of the sessions of the user who asks.
const SessionsPath = AuthPath + "/sessions"

// Session is one sign-in of the user who asks for it.
type Session struct {
	ID          core.ID   `json:"id"`
	Current     bool      `json:"current"`
	Address     string    `json:"address"`
	UserAgent   string    `json:"user_agent"`
	CreatedAt   time.Time `json:"created_at"`
	RefreshedAt time.Time `json:"refreshed_at"`
	ExpiresAt   time.Time `json:"expires_at"`
}

// SessionEnd ends one session of the user who asks or, without an id, all but
// the current one. The password proves that it is the user who asks.
type SessionEnd struct {
	Password  string `json:"password"`
	SessionID string `json:"session_id,omitempty"`
}

// Sessions returns the sessions of the user who is signed in, newest first.
func (c *Client) Sessions(ctx context.Context) (sessions []Session, err error) {
	var list List[Session]
	err = c.get(ctx, SessionsPath, &list)
	return list.Items, err
}

// EndSession ends a session of the user who is signed in, or all but the
// current one.
func (c *Client) EndSession(ctx context.Context, request SessionEnd) error {
	return c.post(ctx, SessionsPath+"/end", request, nil)
}

// EndSessionsOf ends all sessions of another user of the organization.
func (c *Client) EndSessionsOf(ctx context.Context, user string) error {
	return c.post(ctx, UserPath(user)+"/sessions/end", nil, nil)
}
