package identity

import (
	"strings"
)

// NewPerson is what people say about themselves when their account is made.
type NewPerson struct{ Email, Name, Password string }

// check brings a person into the form that is stored, or refuses them.
func (p *NewPerson) check() error {
	p.Email, p.Name = normalEmail(p.Email), strings.TrimSpace(p.Name)
	if err := checkNewEmail(p.Email); err != nil {
		return err
	}
	if err := checkPersonName(p.Name); err != nil {
		return err
	}
	return checkPassword("password", p.Password, p.Email)
}
