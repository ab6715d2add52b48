package app

import (
	"fmt"
	"reflect"
	"runtime"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// describe says what the server is. Its settings are for those who may make
// organizations: admins of the first one, who run the installation.
func describe(cfg Config, authorizer core.Authorizer, first core.Organization, started time.Time) func(core.Principal) rest.System {
	system := rest.System{Version: Version, Go: runtime.Version(), StartedAt: started.UTC()}
	if u, err := storeURL(cfg.Store); err == nil {
		system.Store = u.Scheme
	}
	settings := cfg.shown()
	return func(who core.Principal) rest.System {
		answer := system
		if who.Org == first.ID && authorizer.Allow(who, who.Org, core.ActionCreateOrganizations) == nil {
			answer.Settings = settings
		}
		return answer
	}
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
