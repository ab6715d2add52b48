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
}

// OrganizationLimits describes changes to the rates of an organization's keys and
// people. A nil field changes nothing. A zero rate brings the settings back.
type OrganizationLimits struct{ Key, User *Rate }

// ApplyLimits makes the changes and checks the result.
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
