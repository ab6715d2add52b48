package core

import "time"

// FirstOrganizationName is the organization that a new installation begins with.
const FirstOrganizationName = "default"

// OrganizationLimits describes changes to what the keys and the people of an
// organization are limited to. A nil field changes nothing, a zero rate is that
// of the settings again.
type OrganizationLimits struct{ Key, User *Rate }

// ApplyLimits checks changes and makes them.
func (o *Organization) ApplyLimits(limits OrganizationLimits) error {
	if limits.Key != nil {
		o.KeyRate = *limits.Key
	}
	if limits.User != nil {
		o.UserRate = *limits.User
	}
	if err := o.KeyRate.Check("key_rate"); err != nil {
		return err
	}
	return o.UserRate.Check("user_rate")
}

// Organization is a tenant: nothing of one is ever visible in another.
type Organization struct {
	ID        ID        `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	// KeyRate bounds each key of the organization that has no rate of its own,
	// UserRate each person, in place of the settings. Only who operates the
	// installation changes them.
	KeyRate  Rate `json:"key_rate,omitzero"`
	UserRate Rate `json:"user_rate,omitzero"`
}
