package webhook

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// redacted stands in the place of a secret.
const redacted = "[redacted]"

// redactor takes secrets out of texts. Receivers that echo what they get are common.
type redactor struct {
	replacer *strings.Replacer
	// longest is the length of the longest text that it takes out.
	longest int
}

func newRedactor(k *secrets) redactor {
	var forms []string
	for _, secret := range append([]string{k.Secret, k.Former}, valuesOf(k.Headers)...) {
		forms = append(forms, formsOf(secret)...)
		// `Bearer` and `whsec_` are no secrets, and what comes after them is one alone.
		for _, mark := range []string{" ", "_"} {
			if _, rest, found := strings.Cut(secret, mark); found && len(rest) >= minSecretHeader {
				forms = append(forms, formsOf(rest)...)
			}
		}
	}
	// The replacer takes the first that fits, so longer ones come first.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	var r redactor
	var pairs []string
	for _, form := range slices.Compact(forms) {
		r.longest = max(r.longest, len(form))
		pairs = append(pairs, form, redacted)
	}
	r.replacer = strings.NewReplacer(pairs...)
	return r
}

func valuesOf(headers map[string]string) (values []string) {
	for _, value := range headers {
		values = append(values, value)
	}
	return values
}

// formsOf returns a secret in the forms in which programs write a text.
func formsOf(secret string) []string {
	if secret == "" {
		return nil
	}
	quoted, _ := json.Marshal(secret) // a string always has a JSON form
	inJSON := string(quoted[1 : len(quoted)-1])
	return []string{
		secret, inJSON, strings.ReplaceAll(inJSON, "/", `\/`), strings.NewReplacer("+", `\u002b`, "=", `\u003d`).Replace(inJSON),
		url.QueryEscape(secret), url.PathEscape(secret),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
	}
}

func (r *redactor) redact(text string) string { return r.replacer.Replace(text) }
