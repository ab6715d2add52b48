package core

// KeyFate says what becomes of the keys that somebody has made when that person is
// demoted, disabled or removed.
type KeyFate string

// The fates of keys.
const (
	// KeepKeys leaves them as they are. It is what "" means, too.
	KeepKeys KeyFate = "keep"
	// RevokeKeys revokes them, with all that descends from them.
	RevokeKeys KeyFate = "revoke"
	// HandOverKeys makes whoever decides their creator. What other keys have made stays
	// theirs.
	HandOverKeys KeyFate = "hand_over"
)

// Check refuses a fate that there is not.
func (f KeyFate) Check() error {
	switch f {
	case "", KeepKeys, RevokeKeys, HandOverKeys:
		return nil
	}
	return Invalid("keys", "must be %s, %s or %s", string(KeepKeys), string(RevokeKeys), string(HandOverKeys))
}
