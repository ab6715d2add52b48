package identity

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
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
		require.Equal(t, core.CodeValidation, core.CodeOf(checkPassword("password", bad, "ann.lee@example.com")), bad)
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

// commonest are the passwords of the list, without what it says of itself.
func commonest() (passwords []string) {
	for line := range strings.Lines(commonText) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			passwords = append(passwords, line)
		}
	}
	return passwords
}

// dresses are what people make of a password that a policy refuses: a capital,
// signs for letters, and digits and signs around it.
func dresses(password string) (dressed []string) {
	capital := strings.ToUpper(password[:1]) + password[1:]
	if i := strings.IndexFunc(password, unicode.IsLetter); i >= 0 {
		capital = password[:i] + strings.ToUpper(password[i:i+1]) + password[i+1:]
	}
	signs := strings.NewReplacer("a", "@", "e", "3", "i", "1", "o", "0", "s", "$")
	last := len(password) - 1
	for _, worn := range []string{password, capital, password[:last] + strings.ToUpper(password[last:]), signs.Replace(capital)} {
		for _, end := range []string{"", "1!", "@123", "1234!", "12345!", "2026!", "@2026", "-2026-", "123456!"} {
			dressed = append(dressed, worn+end, "1!"+worn+end)
		}
	}
	return dressed
}

// None of the commonest passwords is taken: as it is, none has the length and
// the kinds of characters, and in any usual dress it is known for what it is.
func TestTheCommonestPasswordsAreRefusedInAnyDress(t *testing.T) {
	t.Parallel()
	list := commonest()
	require.Len(t, list, 5000)
	require.Equal(t, []string{"123456", "password", "12345678"}, list[:3])
	guessed := 0
	for _, password := range list {
		require.Error(t, checkPassword("password", password, ""), password)
		require.NotContains(t, checkPassword("password", password, "").Error(), "guess", "it does not even have all kinds: %s", password)
		for _, worn := range dresses(password) {
			err := checkPassword("password", worn, "")
			if err == nil {
				t.Errorf("%s is taken, which is %s", worn, password)
				continue
			}
			if strings.Contains(err.Error(), "guess") {
				guessed++
			}
		}
	}
	require.Greater(t, guessed, 3000, "those have the length and the kinds")
}

// A password is not made of the organization's name, in any dress.
func TestAnOrganizationsNameIsNoPassword(t *testing.T) {
	t.Parallel()
	for organization, passwords := range map[string][]string{
		"Acme Logistics": {"AcmeLogistics-1", "Acme-Logistics-2026!", "4cme-L0gist1cs-26", "My-Acme-Logistics-77-x", "Acme-Acme-2026!", "Logistics#1#Logistics", "AcmeWelcome-2026!", "@cme-P@ssw0rd-1"},
		"IBM":            {"Ibm-Ibm-2026-!!", "1bm-Passw0rd-2026"},
		"Größe":          {"Größe-2026-!!!!", "MeineGröße-Kette-9"},
	} {
		for _, bad := range passwords {
			require.Equal(t, core.CodeValidation, core.CodeOf(checkOwnPassword("password", bad, organization)), "%s: %s", organization, bad)
		}
		for _, good := range []string{"Correct-Horse-9", "kettle Umbrella 7", "Submarine-Kettle-9", "Acme-Kettle-Umbrella-7", "Logistics-Kettle-77-Quartz"} {
			require.NoError(t, checkOwnPassword("password", good, organization), "%s: %s", organization, good)
		}
	}
	require.NoError(t, checkOwnPassword("password", "Correct-Horse-9", ""))
}
