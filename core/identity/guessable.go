package identity

import (
	_ "embed" // the list of common passwords
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// minDistinct is the least number of different characters in a password, in
// whichever case: `Aa1!Aa1!Aa1!` has three.
const minDistinct = 6

// productName must not be in any password, because guessers try it first.
const productName = "eventflow"

// commonWords are the words of published passwords: of `P@ssw0rd1234`,
// `Welcome@2026!` and `1qaz@WSX3edc`, for example, without the digits and signs
// that a policy asks for. A short list of words covers every way to dress them
// up. Like all lists here, it is made when the first password is chosen: most
// processes never need it.
var commonWords = sync.OnceValue(func() map[string]bool {
	words := map[string]bool{}
	for word := range strings.FieldsSeq(commonWordList) {
		words[word] = true
	}
	return words
})

const commonWordList = `
	a aa aaa aaaa aaaaaa ab abc abcabc abcd abcde abcdef abcdefg abcdefgh access account adidas admin administrador administrator
	alexander alexis amanda america andrea andrew angel angela angels anthony apple april arsenal asdasd asdf asdfasdf asdfg
	asdfgh asdfghj asdfghjk asdfghjkl ashley august austin autumn azerty bailey banana barcelona baseball basketball batman
	bismillah blessed bond brandon buster butterfly cameron canada change changeme charles charlie charlotte cheese chelsea
	chocolate christian christmas coffee company computer cookie corporate dallas daniel database dave david december default
	demo dev develop developer diamond dragon dubai eagle elizabeth emily england facebook family february fernando ferrari
	flower football forever france freedom friday friend friends garfield george ginger gmail google guest hannah happy harley
	heaven hello hockey holiday home hotmail hunter iloveu iloveyou india instagram internet isabella jackson jacob jakarta james
	january jasmine jennifer jessica jesus johnny jonathan jordan joseph joshua july june justin kenneth killer king kingdom
	kitty kristina lakers lastname laura letmein linkedin linux liverpool login london love lovely loveme lovers madison madrid
	maggie manager manchester march marina marketing martin master matrix matthew maverick mercedes merlin michael michelle
	mickey microsoft minecraft monday money monica monkey monster morgan mother mustang mynameis mypass mypassword naruto natasha
	newpass newpassword newyork nicole nintendo nothing november october office oliver operator oracle orange pakistan pass
	passcode passw passwd password passwort patrick pepper peter phoenix pokemon porsche portugal postgres princess private prod
	product public purple qazwsx qazwsxedc qazxsw qq qwaszx qwe qweasd qweasdzxc qwer qwerasdf qwert qwerty qwertyu qwertyui
	qwertyuiop qwertz rachel rainbow random ranger rebecca richard robert rocket ronaldo root samantha samsung sandra saturday
	scooter secret security september server service shadow shannon simple slipknot smokey soccer sophie spider spiderman spring
	staff starwars stephanie steven student summer sunday sunshine super superman support sweet sydney sysadmin system taylor
	teacher tech temp temporary test tester testing thomas thunder thursday tiger tigger tinkerbell trustno trustnoone tuesday
	turkey twitter ubuntu undefined unknown user username vanessa veronica victoria viking vodafone wednesday welcome wellcome
	whatever william windows winner winter wizard work xbox xxxxxx yahoo yamaha yankees yellow zaq zaqwsx zaqxsw zxc zxcvb zxcvbn
	zxcvbnm`

// commonText lists the commonest passwords, one a line. Hardly any of them has
// the kinds of characters that the policy asks for. People add digits and signs
// to make it pass.
//
//go:embed guessable.txt
var commonText string

// commonPasswords are the letters of each common password: the ones that it has,
// and the ones that its digits and signs stand for. A password must not consist
// of one of them. It may consist of two, because there are so many.
var commonPasswords = sync.OnceValue(func() map[string]bool {
	passwords := map[string]bool{}
	for line := range strings.Lines(commonText) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			passwords[lettersOf(line)] = true
			passwords[lettersOf(unspell.Replace(line))] = true
		}
	}
	return passwords
})

func isCommonPassword(letters string) bool { return letters != "" && commonPasswords()[letters] }

// minNameLength is the least number of letters of an organization's name for it not to be
// in any of its passwords. A shorter one is found in words, and is itself only a word.
const minNameLength = 4

// guessableHere reports whether a guesser who knows the organization tries a password
// early. It holds the organization's name, or it is one or two of the words of the name
// or other common words, with digits and signs before, after or instead of letters.
func guessableHere(password, organization string) bool {
	name := lettersOf(strings.ToLower(organization))
	own := map[string]bool{}
	noLetter := func(r rune) bool { return !unicode.IsLetter(r) }
	for word := range strings.FieldsFuncSeq(strings.ToLower(organization), noLetter) {
		own[word] = true
	}
	password = strings.ToLower(password)
	for _, letters := range []string{
		lettersOf(password), speltOf(password), lettersOf(unspell.Replace(password)), // signs may be letters at both ends, or at one
		lettersOf(unspell.Replace(strings.TrimLeftFunc(password, noLetter))), lettersOf(unspell.Replace(strings.TrimRightFunc(password, noLetter))),
	} {
		if len(name) >= minNameLength && strings.Contains(letters, name) || common(letters, own, 2) {
			return true
		}
	}
	return false
}

// speltOf returns the letters of a password, the ones that its signs stand for among
// them, without what is before and after them.
func speltOf(password string) string {
	return lettersOf(unspell.Replace(strings.TrimFunc(password, func(r rune) bool { return !unicode.IsLetter(r) })))
}

// guessable reports whether a guesser tries a password early. It has few
// different characters, or it is a common password or one or two common words,
// with digits and signs before, after or instead of letters.
func guessable(password string) bool {
	password = strings.ToLower(password)
	distinct := map[rune]bool{}
	for _, r := range password {
		distinct[r] = true
	}
	if len(distinct) < minDistinct || strings.Contains(password, productName) {
		return true
	}
	spelt := speltOf(password)
	return common(spelt, nil, 2) || common(lettersOf(password), nil, 2) ||
		isCommonPassword(spelt) || isCommonPassword(lettersOf(password)) || dressed(password)
}

// maxSpeltEnds is how many signs at an end may stand for letters. A common
// password of fewer than minSpeltLength letters is not looked for in this way,
// because it would be found in random passwords.
const (
	maxSpeltEnds   = 4
	minSpeltLength = 4
)

// dressed reports whether a password is a common one in which signs at the ends
// stand for letters: `$unshine2026!`, `bubbl3!2026`. Other digits and signs may
// surround it.
func dressed(password string) bool {
	first := strings.IndexFunc(password, unicode.IsLetter)
	last := strings.LastIndexFunc(password, unicode.IsLetter)
	if first < 0 {
		return false
	}
	_, size := utf8.DecodeRuneInString(password[last:])
	last += size
	for start := max(0, first-maxSpeltEnds); start <= first; start++ {
		for end := last; end <= min(len(password), last+maxSpeltEnds); end++ {
			letters := lettersOf(unspell.Replace(password[start:end]))
			if len(letters) >= minSpeltLength && isCommonPassword(letters) {
				return true
			}
		}
	}
	return false
}

// unspell replaces digits and signs with the letters that they stand for.
var unspell = strings.NewReplacer("@", "a", "4", "a", "3", "e", "1", "i", "!", "i", "0", "o", "$", "s", "5", "s", "7", "t", "+", "t")

func lettersOf(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, text)
}

// common reports whether a text consists of common words or of own ones, and of no more
// than this many. An empty text does not.
func common(text string, own map[string]bool, words int) bool {
	known := func(word string) bool { return commonWords()[word] || own[word] }
	if known(text) {
		return true
	}
	for i := range text {
		if words > 1 && known(text[:i]) && common(text[i:], own, words-1) {
			return true
		}
	}
	return false
}
