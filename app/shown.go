package app

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// masked stands for what must not end up on a screen.
const masked = "xxxxx"

// shown is a setting's value as everybody may see it: no secret, and no
// password in a URL.
func shown(name, text string) string {
	if text == "" {
		return "–"
	}
	if isSecret(name) {
		return masked
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		return text
	}
	if u.Scheme == shardedScheme {
		return shownShards(text)
	}
	if _, given := u.User.Password(); given {
		u.User = url.UserPassword(u.User.Username(), masked)
	}
	if query := u.Query(); query.Has("password") {
		query.Set("password", masked)
		u.RawQuery = query.Encode()
	}
	return u.String()
}

// shownShards is the list of a store's shards as everybody may see it.
func shownShards(text string) string {
	list := strings.TrimPrefix(text, shardedScheme+":")
	if strings.HasPrefix(list, "@") {
		return text
	}
	texts, _ := shardTexts(list) // only a file can fail
	for i, one := range texts {
		texts[i] = shown("store", one)
	}
	return shardedScheme + ":" + strings.Join(texts, ",")
}

// holdsSecret reports whether a setting's value must not be seen: a password in a URL
// or, where the setting is a secret, whatever is no URL.
func holdsSecret(name, text string) bool {
	if list, is := strings.CutPrefix(text, shardedScheme+":"); is && !strings.HasPrefix(list, "@") {
		texts, _ := shardTexts(list)
		return slices.ContainsFunc(texts, func(one string) bool { return holdsSecret(name, one) })
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return isSecret(name) && text != ""
	}
	_, given := u.User.Password()
	return given || u.Query().Has("password") || u.Query().Has("sslpassword")
}

// isSecret reports whether the tag of a setting's field says so.
func isSecret(name string) bool { return tagged(name, "secret") }

// reloads reports whether a running server takes a setting over that changed.
func reloads(name string) bool { return tagged(name, "reload") }

// tagged reports whether a setting's field has a tag.
func tagged(name, tag string) bool {
	for field := range reflect.TypeFor[Config]().Fields() {
		if field.Tag.Get("name") == name {
			return field.Tag.Get(tag) == "true"
		}
	}
	return false
}

// shown lists the settings as people may see them.
func (c Config) shown() (all []rest.Setting) {
	values := reflect.ValueOf(c)
	for i := range values.NumField() {
		tag := values.Type().Field(i).Tag
		all = append(all, rest.Setting{
			Name: tag.Get("name"), Value: shown(tag.Get("name"), fmt.Sprint(values.Field(i).Interface())), Usage: tag.Get("usage"),
		})
	}
	return all
}
