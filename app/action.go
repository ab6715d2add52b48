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
	"archive list":            core.ActionReadStreams,
	"archive restore":         core.ActionWriteStreams,
	"archive":                 noOrganization, // as audit
	"audit verify":            core.ActionReadAudit,
	"audit":                   noOrganization, // as key, org, replay, token and user: prints its help
	"backup verify":           noOrganization,
	"backup":                  noOrganization,
	"bench":                   noOrganization,
	"completion bash":         noOrganization,
	"completion fish":         noOrganization,
	"completion powershell":   noOrganization,
	"completion zsh":          noOrganization,
	"config check":            noOrganization,
	"config":                  noOrganization,
	"copy":                    noOrganization,
	"dev":                     noOrganization,
	"doctor":                  noOrganization, // reads all of the installation, as whoever has its settings may
	"health":                  noOrganization,
	"help":                    noOrganization,
	"init":                    noOrganization,
	"key create":              core.ActionWriteKeys,
	"key list":                core.ActionReadKeys,
	"key revoke":              core.ActionWriteKeys,
	"key rotate":              core.ActionWriteKeys,
	"key":                     noOrganization,
	"migrate status":          noOrganization,
	"migrate":                 noOrganization,
	"org create":              core.ActionCreateOrganizations,
	"org limit":               core.ActionCreateOrganizations,
	"org list":                core.ActionCreateOrganizations,
	"org show":                core.ActionReadUsers,
	"org":                     noOrganization,
	"processor change":        noOrganization,
	"processor create":        noOrganization,
	"processor delete":        noOrganization,
	"processor deliveries":    noOrganization,
	"processor list":          noOrganization,
	"processor pause":         noOrganization,
	"processor recover":       noOrganization,
	"processor resume":        noOrganization,
	"processor rotate-secret": noOrganization,
	"processor seek":          noOrganization,
	"processor send-test":     noOrganization,
	"processor show":          noOrganization,
	"processor test":          noOrganization,
	"processor":               noOrganization,
	"replay list":             core.ActionReadLetters,
	"replay stop":             core.ActionWriteLetters,
	"replay":                  noOrganization,
	"restore":                 noOrganization,
	"schema check":            noOrganization,
	"schema diff":             noOrganization,
	"schema infer":            noOrganization,
	"schema list":             noOrganization,
	"schema register":         noOrganization,
	"schema show":             noOrganization,
	"schema":                  noOrganization,
	"secret":                  noOrganization,
	"serve":                   noOrganization,
	"source create":           noOrganization,
	"source delete":           noOrganization,
	"source list":             noOrganization,
	"source pause":            noOrganization,
	"source refusals":         noOrganization,
	"source resume":           noOrganization,
	"source rotate":           noOrganization,
	"source show":             noOrganization,
	"source":                  noOrganization,
	"token create":            core.ActionWriteKeys,
	"token list":              core.ActionReadKeys,
	"token revoke":            core.ActionWriteKeys,
	"token rotate":            core.ActionWriteKeys,
	"token":                   noOrganization,
	"try":                     noOrganization,
	"user create":             core.ActionWriteUsers,
	"user list":               core.ActionReadUsers,
	"user setup-link":         core.ActionWriteUsers,
	"user":                    noOrganization,
	"version":                 noOrganization,
}

// commandName is a command's name in the table: its path without the program's.
func commandName(cmd *cobra.Command) string {
	_, name, _ := strings.Cut(cmd.CommandPath(), " ")
	return name
}
