package app

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// describe says what the server is. Its version and how long it runs are for people and
// for keys of admins: they tell whoever found a key which faults to try. Its settings are for those who may make
// organizations: admins of the first one, who run the installation. How long it
// takes to store is for people, and a round figure: it is made of what all
// organizations send, and must not let one count the requests of another.
func describe(
	settings *atomic.Pointer[Config], shards int, authorizer core.Authorizer, first core.Organization, started time.Time, ingestP99 func() time.Duration,
) func(core.Principal) rest.System {
	store := ""
	if u, err := storeURL(settings.Load().Store); err == nil {
		store = u.Scheme
	}
	return func(who core.Principal) rest.System {
		answer := rest.System{Store: store}
		if shards > 1 {
			answer.Shards = shards
		}
		if !who.User.IsZero() || authorizer.Allow(who, who.Org, core.ActionWriteOrganization) == nil {
			answer.Version, answer.Go, answer.StartedAt = Version, runtime.Version(), started.UTC()
		}
		if !who.User.IsZero() {
			answer.IngestP99 = float64(ingestP99().Round(100*time.Microsecond)) / float64(time.Millisecond)
		}
		if who.Org == first.ID && authorizer.Allow(who, who.Org, core.ActionCreateOrganizations) == nil {
			answer.Settings = settings.Load().shown()
		}
		return answer
	}
}
