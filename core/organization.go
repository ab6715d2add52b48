package core

import "time"

// FirstOrganizationName is the organization that a new installation begins with.
const FirstOrganizationName = "default"

// Organization is a tenant: nothing of one is ever visible in another.
type Organization struct {
	ID        ID        `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	// KeyRate bounds each key of the organization that has no rate of its own, and
	// UserRate each person, in place of the settings. Only the operator of the
	// installation changes them.
	KeyRate  Rate `json:"key_rate,omitzero"`
	UserRate Rate `json:"user_rate,omitzero"`
	// Shares bounds what the organization may take, in place of the settings. Only the
	// operator changes it, too.
	Shares Shares `json:"shares,omitzero"`
}

// OrganizationLimits describes changes to the rates of an organization's keys and
// people, and to its shares. A nil field, or a share that is not named, changes nothing.
// A zero brings the settings back.
type OrganizationLimits struct {
	Key, User *Rate
	Shares    map[Share]int64
}

// ApplyLimits makes the changes and checks the result.
func (o *Organization) ApplyLimits(limits OrganizationLimits) error {
	if limits.Key != nil {
		o.KeyRate = *limits.Key
	}
	if limits.User != nil {
		o.UserRate = *limits.User
	}
	for share, most := range limits.Shares {
		bound := o.Shares.At(share)
		if bound == nil {
			return Invalid("shares", "has no %q", share)
		}
		*bound = most
	}
	if err := o.KeyRate.Check("key_rate"); err != nil {
		return err
	}
	if err := o.UserRate.Check("user_rate"); err != nil {
		return err
	}
	return o.Shares.Check()
}
