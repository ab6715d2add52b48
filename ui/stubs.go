package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/core"
)

type streamConsumersView struct {
	app.Compo
	Page
}

// Render implements [app.Composer].
func (v *streamConsumersView) Render() app.UI { return app.H1().TabIndex(-1).Text("Consumers") }

type consumersView struct {
	app.Compo
	Page
}

// Render implements [app.Composer].
func (v *consumersView) Render() app.UI { return app.H1().TabIndex(-1).Text("Consumers") }

type consumerView struct {
	app.Compo
	Page
}

// Render implements [app.Composer].
func (v *consumerView) Render() app.UI { return app.H1().TabIndex(-1).Text("Consumer group") }

type deadLettersView struct {
	app.Compo
	Page
}

// Render implements [app.Composer].
func (v *deadLettersView) Render() app.UI { return app.H1().TabIndex(-1).Text("Dead letters") }

type deadLetterView struct {
	app.Compo
	Page
}

// Render implements [app.Composer].
func (v *deadLetterView) Render() app.UI { return app.H1().TabIndex(-1).Text("Dead letter") }

type usersView struct {
	app.Compo
	Page
}

// Render implements [app.Composer].
func (v *usersView) Render() app.UI { return app.H1().TabIndex(-1).Text("Users") }

type rolesView struct {
	app.Compo
	Page
}

// Render implements [app.Composer].
func (v *rolesView) Render() app.UI { return app.H1().TabIndex(-1).Text("Roles") }

type accountView struct {
	app.Compo
	Page
}

// Render implements [app.Composer].
func (v *accountView) Render() app.UI { return app.H1().TabIndex(-1).Text("Your account") }

type auditView struct {
	app.Compo
	Page
}

// Render implements [app.Composer].
func (v *auditView) Render() app.UI { return app.H1().TabIndex(-1).Text("Audit trail") }

type systemView struct {
	app.Compo
	Page
}

// Render implements [app.Composer].
func (v *systemView) Render() app.UI { return app.H1().TabIndex(-1).Text("System") }

type keysView struct {
	app.Compo
	Page
	Kind core.KeyKind
}

// Render implements [app.Composer].
func (v *keysView) Render() app.UI { return app.H1().TabIndex(-1).Text("Keys") }
