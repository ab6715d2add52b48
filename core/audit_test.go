package core_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// What is recorded can be chosen in the list of what is recorded.
func TestEveryAuditActionIsListed(t *testing.T) {
	t.Parallel()
	code, err := os.ReadFile("audit.go")
	require.NoError(t, err)
	var named []core.AuditAction
	for _, found := range regexp.MustCompile(`AuditAction = "(.+)"`).FindAllStringSubmatch(string(code), -1) {
		named = append(named, core.AuditAction(found[1]))
	}
	require.ElementsMatch(t, named, core.AuditActions)
}
