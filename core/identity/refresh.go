package identity

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// A refresh token is `efr_` and the hex of its session, its generation and a
// signature of both. The server can tell a token of an earlier generation from a
// forged one without keeping any token.
const (
	refreshPrefix = "efr_"
	refreshSigned = 16 + 8 // the session and the generation
	refreshBytes  = refreshSigned + 32
)

func (s *SignIns) refreshToken(session core.ID, generation int64) string {
	raw := binary.BigEndian.AppendUint64(session[:], uint64(generation))
	return refreshPrefix + hex.EncodeToString(append(raw, s.secrets.sign(raw)...))
}

func (s *SignIns) parseRefresh(token string) (session core.ID, generation int64, ok bool) {
	text, found := strings.CutPrefix(token, refreshPrefix)
	raw, err := hex.DecodeString(text)
	if !found || err != nil || len(raw) != refreshBytes || text != strings.ToLower(text) {
		return core.ID{}, 0, false
	}
	if !s.secrets.signed(raw[:refreshSigned], raw[refreshSigned:]) {
		return core.ID{}, 0, false
	}
	return core.ID(raw[:16]), int64(binary.BigEndian.Uint64(raw[16:refreshSigned])), true
}

// Refresh rotates a refresh token: it exchanges the token for the next one and
// an access token. A token that comes again ends the session, because two
// parties hold tokens of it and one of them is a thief. For
// [core.RefreshGrace] after a rotation, the token before is answered with the
// newest one all the same: two tabs may have asked at once.
func (s *SignIns) Refresh(ctx context.Context, from core.Visitor, token string) (core.SignIn, error) {
	id, generation, ok := s.parseRefresh(token)
	if !ok {
		return core.SignIn{}, errBadSession
	}
	for {
		session, user, err := s.open(ctx, id)
		if err != nil {
			return core.SignIn{}, err
		}
		if !s.showsLatest(session, generation) {
			return core.SignIn{}, s.reused(ctx, from, session, user)
		}
		if generation < session.Generation {
			return s.issue(user, session, session.Generation)
		}
		err = s.sessions.RotateSession(ctx, id, generation, s.now.Stamp())
		if core.CodeOf(err) == core.CodePreconditionFailed && ctx.Err() == nil {
			continue // another tab was faster
		}
		if err != nil {
			return core.SignIn{}, core.StoreFailed(err)
		}
		return s.issue(user, session, generation+1)
	}
}

// showsLatest reports whether a token of a generation is the latest one of its
// session or, for a moment, the one before.
func (s *SignIns) showsLatest(session core.Session, generation int64) bool {
	return generation == session.Generation ||
		generation == session.Generation-1 && s.now.Stamp().Sub(session.RotatedAt) < core.RefreshGrace
}

// reused ends a session of which an earlier token was shown.
func (s *SignIns) reused(ctx context.Context, from core.Visitor, session core.Session, user core.User) error {
	if err := s.presence.end(ctx, session.ID); err != nil {
		return err
	}
	s.record.Record(ctx, user.Principal().At(from).Did(core.AuditRefreshReused, "session", session.ID))
	return errBadSession
}

// open reads a session that is good, and its user, who is active. It asks the
// catalog and not what is remembered: a token must be rotated from the newest
// generation.
func (s *SignIns) open(ctx context.Context, id core.ID) (core.Session, core.User, error) {
	session, err := s.sessions.Session(ctx, id)
	if err != nil && !core.IsNotFound(err) {
		return core.Session{}, core.User{}, core.StoreFailed(err)
	}
	if err != nil || !session.GoodAt(s.now.Stamp()) {
		return core.Session{}, core.User{}, errBadSession
	}
	user, err := s.users.User(ctx, session.Org, session.User)
	if err != nil && !core.IsNotFound(err) {
		return core.Session{}, core.User{}, core.StoreFailed(err)
	}
	if err != nil || user.State != core.UserActive {
		return core.Session{}, core.User{}, errBadSession
	}
	return session, user, nil
}
