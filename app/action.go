package app

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/core"
)

// noOrganization is the action of the commands that touch no organization:
// they start the server, ask it as any client does, or print something. Those that
// carry a whole installation from one place to another look into none of them, and
// need its databases.
const noOrganization core.Action = ""

// commandActions binds every command that can be run to what it does, as the
// table of routes does for requests. Those with an action work on an
// organization by operate, which asks the rules; a command that is not here can
// touch none.
var commandActions = map[string]core.Action{
	"archive":                 noOrganization, // as audit
	"archive list":            core.ActionReadStreams,
	"archive restore":         core.ActionWriteStreams,
	"audit":                   noOrganization, // as key, org, replay, token and user: prints its help
	"audit verify":            core.ActionReadAudit,
	"backup":                  noOrganization,
	"backup verify":           noOrganization,
	"bench":                   noOrganization,
	"completion bash":         noOrganization,
	"completion fish":         noOrganization,
	"completion powershell":   noOrganization,
	"completion zsh":          noOrganization,
	"config":                  noOrganization,
	"config check":            noOrganization,
	"copy":                    noOrganization,
	"dev":                     noOrganization,
	"doctor":                  noOrganization, // reads all of the installation, as whoever has its settings may
	"health":                  noOrganization,
	"help":                    noOrganization,
	"init":                    noOrganization,
	"key":                     noOrganization,
	"key create":              core.ActionWriteKeys,
	"key list":                core.ActionReadKeys,
	"key revoke":              core.ActionWriteKeys,
	"key rotate":              core.ActionWriteKeys,
	"migrate":                 noOrganization,
	"migrate status":          noOrganization,
	"org":                     noOrganization,
	"org create":              core.ActionCreateOrganizations,
	"org limit":               core.ActionCreateOrganizations,
	"org list":                core.ActionCreateOrganizations,
	"org show":                core.ActionReadUsers,
	"processor":               noOrganization,
	"processor change":        noOrganization,
	"processor create":        noOrganization,
	"processor delete":        noOrganization,
	"processor deliveries":    noOrganization,
	"processor list":          noOrganization,
	"processor pause":         noOrganization,
	"processor recover":       noOrganization,
	"processor resend":        noOrganization,
	"processor resume":        noOrganization,
	"processor rotate-secret": noOrganization,
	"processor seek":          noOrganization,
	"processor send-test":     noOrganization,
	"processor show":          noOrganization,
	"processor test":          noOrganization,
	"replay":                  noOrganization,
	"replay list":             core.ActionReadLetters,
	"replay stop":             core.ActionWriteLetters,
	"restore":                 noOrganization,
	"schema":                  noOrganization,
	"schema check":            noOrganization,
	"schema diff":             noOrganization,
	"schema discard":          noOrganization,
	"schema infer":            noOrganization,
	"schema ingest":           noOrganization,
	"schema list":             noOrganization,
	"schema quarantine":       noOrganization,
	"schema register":         noOrganization,
	"schema show":             noOrganization,
	"secret":                  noOrganization,
	"serve":                   noOrganization,
	"source":                  noOrganization,
	"source create":           noOrganization,
	"source delete":           noOrganization,
	"source list":             noOrganization,
	"source pause":            noOrganization,
	"source refusals":         noOrganization,
	"source resume":           noOrganization,
	"source rotate":           noOrganization,
	"source show":             noOrganization,
	"stream":                  noOrganization,
	"stream create":           core.ActionWriteStreams,
	"stream list":             core.ActionReadStreams,
	"stream move":             core.ActionWriteOrganization,
	"token":                   noOrganization,
	"token create":            core.ActionWriteKeys,
	"token list":              core.ActionReadKeys,
	"token revoke":            core.ActionWriteKeys,
	"token rotate":            core.ActionWriteKeys,
	"try":                     noOrganization,
	"user":                    noOrganization,
	"user create":             core.ActionWriteUsers,
	"user list":               core.ActionReadUsers,
	"user setup-link":         core.ActionWriteUsers,
	"version":                 noOrganization,
}

// commandName is a command's name in the table: its path without the program's.
func commandName(cmd *cobra.Command) string {
	_, name, _ := strings.Cut(cmd.CommandPath(), " ")
	return name
}
