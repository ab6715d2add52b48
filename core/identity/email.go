package identity

import (
	"context"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// normalEmail returns an address as it is stored and compared: in lower case,
// without white space around it.
func normalEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// checkEmail accepts any text that could be an address. Only a mail shows whether
// it is one.
func checkEmail(email string) error {
	if err := core.CheckText("email", email, 3, core.MaxEmailLength); err != nil {
		return err
	}
	local, domain, ok := strings.Cut(email, "@")
	if !ok || local == "" || domain == "" || strings.ContainsAny(email, " \t,;<>()[]\\\"") || strings.Contains(domain, "@") {
		return core.Invalid("email", "must be an address like ann@example.com")
	}
	return nil
}

// checkNewEmail is checkEmail for an address that is to be stored: one that reads like
// another would be a second user.
func checkNewEmail(email string) error {
	if err := checkEmail(email); err != nil {
		return err
	}
	return core.CheckSeen("email", email)
}

// checkPersonName takes a name that is to be stored, or none.
func checkPersonName(name string) error {
	if err := core.CheckText("name", name, 0, core.MaxUserNameLength); err != nil {
		return err
	}
	return core.CheckSeen("name", name)
}

// usersByEmail finds the users with an address, in all organizations. A text that
// cannot be an address belongs to nobody and never reaches the catalog: a database
// refuses some of them with an error of its own.
func usersByEmail(ctx context.Context, users core.Users, email string) ([]core.User, error) {
	if err := checkEmail(email); err != nil {
		return nil, nil //nolint:nilerr // nobody has such an address
	}
	all, err := users.UsersByEmail(ctx, email)
	return all, core.StoreFailed(err)
}
