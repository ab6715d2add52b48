package identity

import (
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// NewPerson is what people say about themselves when their account is made.
type NewPerson struct{ Email, Name, Password string }

// check brings a person into the form that is stored, or refuses them.
func (p *NewPerson) check() error {
	p.Email, p.Name = normalEmail(p.Email), strings.TrimSpace(p.Name)
	if err := checkEmail(p.Email); err != nil {
		return err
	}
	if err := core.CheckText("name", p.Name, 0, core.MaxUserNameLength); err != nil {
		return err
	}
	return checkPassword("password", p.Password, p.Email)
}
