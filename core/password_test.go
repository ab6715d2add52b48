package core

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The policy that is documented is the one in force.
func TestThePasswordPolicy(t *testing.T) {
	t.Parallel()
	long := "Kettle-umbrella-7 " + strings.Repeat("and so on ", 11)
	for _, good := range []string{
		"Correct-Horse-9", "kettle Umbrella 7", "Kettle7umbrellä!", "Größe-Wäsche-12", long[:64], long[:128],
		"Monkey-Dragon-Quartz-7", "Winterly-Tempest-4", "K3ttle-P@ssword-Umbrella",
	} {
		require.NoError(t, checkPassword("password", good, "ann.lee@example.com"), good)
	}
	for _, bad := range []string{
		"", "Short-Hors9", long + "x", "correct-horse-9", "CORRECT-HORSE-9", "Correct-Horse-x", "CorrectHorse99", "Correct-Horse-9\xff",
		"Ann.Lee-is-here-9", "My-EventFlow-99x",
	} {
		require.Equal(t, CodeValidation, CodeOf(checkPassword("password", bad, "ann.lee@example.com")), bad)
	}
}

// What stands on every list of stolen passwords is refused although it has all
// the kinds of characters that a policy asks for.
func TestTheCommonestPasswordsAreRefused(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"Password@123", "Password1234!", "P@ssw0rd1234", "Pa$$w0rd2026", "P@$$w0rd-2026", "Welcome@1234", "Qwerty@12345", "Admin@123456",
		"1qaz@WSX3edc", "Abcd@1234567", "Summer-2026!!", "Test@1234567", "Changeme123!", "Iloveyou@123", "Letmein!2345", "Admin@Admin123",
		"Qwertyuiop1!", "123456789Aa!", "Aa1!Aa1!Aa1!", "Xy1-Xy1-Xy1-", "Super-Secret-99", "!!Dragon2026!!", "Trustno1@2026", "Michael@1985x"[:12], "Zxcvbnm,123A",
	} {
		require.ErrorContains(t, checkPassword("password", bad, ""), "guess", bad)
	}
}
