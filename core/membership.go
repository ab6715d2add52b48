package core

// Membership is an organization that a person belongs to, as the person sees it: who
// belongs to several may switch between them.
type Membership struct {
	// ID and Name are the organization's. Others may have its name.
	ID   ID     `json:"id"`
	Name string `json:"name"`
	// Role is the person's in the organization.
	Role Role `json:"role"`
}
