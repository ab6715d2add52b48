package identity

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// post makes links of tickets, and sends them to people.
type post struct {
	// mailer sends in the background, because the time that sending takes would
	// tell whether there is such a user. It may be nil: then nothing is sent.
	mailer core.Mailer
	// links is what every link begins with, `https://host`. A ticket stands in the
	// fragment of its link, which browsers do not send to any server.
	links string
}

func (p post) send(ctx context.Context, to, subject, text string) error {
	if p.mailer == nil {
		return nil
	}
	return p.mailer.Send(context.WithoutCancel(ctx), to, subject, text)
}

// setupLink is the link that makes the first admin of an organization.
func (p post) setupLink(ticket string) string { return p.links + "/setup#t=" + ticket }

// sendInvitation sends the link by which an invited user chooses a password, and
// returns it.
func (p post) sendInvitation(ctx context.Context, user core.User, ticket string) (link string, err error) {
	link = p.links + "/setup#invite=" + ticket
	return link, p.send(ctx, user.Email, "You are invited to EventFlow", "Open this link within seven days to choose a password:\n\n"+link+"\n")
}

// sendReset sends the link by which a user chooses another password.
func (p post) sendReset(ctx context.Context, user core.User, ticket string) error {
	return p.send(ctx, user.Email, "Choose another password for EventFlow", "Somebody asked to reset the password of this address. "+
		"If it was you, open this link within 15 minutes; if not, do nothing.\n\n"+p.links+"/reset#t="+ticket+"\n")
}

// sendChanged tells a user that the password was changed, in case somebody else
// did it. The password is changed whether or not the mail arrives.
func (p post) sendChanged(ctx context.Context, user core.User) {
	_ = p.send(ctx, user.Email, "Your EventFlow password was changed", "The password of this address was changed, and all other sessions were ended. "+
		"If it was not you, choose another password at once and tell an admin.\n\n"+p.links+"\n")
}
