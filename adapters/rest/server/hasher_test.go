package server_test

import "context"

// quickHasher is a [core.PasswordHasher] that takes no time: what it costs to
// guess a password is argon2's to prove, and nothing that the server adds to.
type quickHasher struct{}

// Hash implements [core.PasswordHasher].
func (quickHasher) Hash(_ context.Context, password string) (string, error) {
	return "hash of " + password, nil
}

// Verify implements [core.PasswordHasher].
func (quickHasher) Verify(_ context.Context, hash, password string) (bool, error) {
	return hash == "hash of "+password, nil
}
