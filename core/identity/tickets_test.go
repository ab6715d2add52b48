package identity_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// A link whose step is refused is as good as before, and used up once the step is made.
func TestARefusedStepKeepsItsLink(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	node, from := l.nodes[0], core.Visitor{Address: "192.0.2.1"}
	setup, err := node.Tickets.SetupLink(t.Context(), operator(here))
	require.NoError(t, err)
	steps := []struct {
		name, ticket string
		step         func(ticket, password string) error
	}{
		{"set-up", ticketOf(t, setup), func(ticket, password string) error {
			_, err := node.Users.Setup(t.Context(), from, ticket, identity.NewPerson{Email: "ann@example.com", Password: password})
			return err
		}},
		{"invitation", "", func(ticket, password string) error {
			_, err := node.Passwords.Accept(t.Context(), from, ticket, "Bob", password)
			return err
		}},
		{"reset", "", func(ticket, password string) error { return node.Passwords.Reset(t.Context(), from, ticket, password) }},
	}
	for i, step := range steps {
		switch i {
		case 1:
			_, link, err := node.Users.Invite(t.Context(), operator(here), "bob@example.com", "", core.RoleViewer)
			require.NoError(t, err)
			step.ticket = ticketOf(t, link)
		case 2:
			step.ticket = l.reset("ann@example.com")
		}
		for range 3 { // what is wrong shows once the link has told the organization, whose name is "firm 1"
			err := step.step(step.ticket, "Firm-Firm-2026!")
			coretest.RequireRefusal(t, err, core.CodeValidation, "password")
		}
		require.NoError(t, step.step(step.ticket, "Another-Horse-7"), step.name)
		require.Equal(t, core.CodeUnauthorized, core.CodeOf(step.step(step.ticket, "Another-Horse-8")), "%s: a link is good once", step.name)
	}
	l.login("ann@example.com", "Another-Horse-7")
	l.login("bob@example.com", "Another-Horse-7")
}

// Whoever changes the password may do so because somebody reads their mail: a link that
// was sent before is void, of whichever of the person's organizations it is.
func TestAChangedPasswordVoidsLinksToAnother(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	ann, _ := l.member()
	other := l.person("bob@example.com")
	ticket, others := l.reset(ann.Email), l.reset(other.Email)
	signedIn := l.login(ann.Email, password)
	who, err := l.nodes[0].SignIns.Authenticate(t.Context(), signedIn.AccessToken)
	require.NoError(t, err)
	require.NoError(t, l.nodes[0].Passwords.Change(t.Context(), who, password, "Another-Horse-7"))
	for _, node := range l.nodes {
		err := node.Passwords.Reset(t.Context(), core.Visitor{}, ticket, "Stolen-Horse-8")
		require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	}
	l.login(ann.Email, "Another-Horse-7")
	require.NoError(t, l.nodes[0].Passwords.Reset(t.Context(), core.Visitor{}, others, "Another-Horse-9"), "another person's is good")
	require.NoError(t, l.nodes[0].Passwords.Reset(t.Context(), core.Visitor{}, l.reset(ann.Email), "Another-Horse-9"), "and so is one that was sent later")
	err = l.nodes[0].Passwords.Change(t.Context(), who, "Another-Horse-9", "Firm-Firm-2026!")
	coretest.RequireRefusal(t, err, core.CodeValidation, "new_password")
}
