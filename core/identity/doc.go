// Package identity knows who somebody is: people who sign in with a password, and
// programs that present a key. It is the use cases over the catalog's users,
// sessions, tickets, organizations and credentials. They ask the authorizer what a
// principal may do, and record in the audit trail what a principal has done.
//
// Start here:
//
//   - identity.go: all the use cases of a node, and the ports that they share.
//
// Programs:
//
//   - access.go: checking a key, and making keys for the operator;
//   - keys.go: the life of keys and service tokens, for everybody else;
//   - descent.go: keys that keys have made, and what bounds them;
//   - leaving.go: the keys of people who are demoted, disabled or removed;
//   - keytext.go: the text of a key, with its checksum;
//   - bearer.go: who somebody is now, without a credential;
//   - usage.go: noting when a key was last used;
//   - tenants.go: the limits of organizations, remembered for a moment.
//
// People:
//
//   - signins.go: signing in and out, and checking an access token;
//   - refresh.go: refresh tokens, where they are rotated and where a stolen one is
//     noticed;
//   - switch.go: going on in another organization without another sign-in;
//   - memberships.go: the users in several organizations that are one person;
//   - sessions.go: seeing and ending sessions;
//   - presence.go: users and sessions, remembered for a moment;
//   - passwords.go: choosing, changing and forgetting a password;
//   - policy.go: the rules for a new password;
//   - guessable.go: passwords that are too easy to guess;
//   - tickets.go: one-time tickets, which people are sent as links;
//   - setup.go: the link that makes the first admin of an organization;
//   - invitations.go: inviting a user;
//   - users.go: listing, changing, removing and creating users;
//   - person.go: what people say about themselves when their account is made;
//   - email.go: addresses;
//   - organizations.go: making, limiting and renaming organizations.
//
// Shared by them:
//
//   - secrets.go: the keys that sign refresh tokens and tickets;
//   - throttle.go: refusing attempts that come too fast;
//   - later.go: work that is done after the answer;
//   - mail.go: the links, and the mails that carry them.
package identity
