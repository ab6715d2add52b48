package app

import (
	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/core"
)

func tokenCommand(p *program, s *settings) *cobra.Command {
	return keyNoun{
		kind: core.KindServiceToken, name: "token", one: "a service token", role: core.RoleConsumer,
		example: "  eventflow token create --label mailer --stream orders\n  eventflow token create --label bridge --role producer --expires 720h",
	}.command(p, s)
}
