package ui

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

func TestOnlyWordsLongerThanAColumnBreak(t *testing.T) {
	t.Parallel()
	for text, long := range map[string]bool{
		"": false, "mobile-app": false, "ann@example.com": false, "a sentence of many words is no long word": false,
		"long-name-long-name-long-name-long-name": false, strings.Repeat("w", longestWord): false,
		strings.Repeat("w", longestWord+1): true, "before " + strings.Repeat("ü", longestWord+1): true,
	} {
		require.Equal(t, long, hasLongWord(text), text)
	}
}

func TestCommandsNameTheOrganization(t *testing.T) {
	t.Parallel()
	require.Empty(t, organizationFlag(core.Organization{}))
	require.Empty(t, organizationFlag(core.Organization{Name: core.FirstOrganizationName}))
	require.Equal(t, " --org 'acme staging'", organizationFlag(core.Organization{Name: "acme staging"}))
}
