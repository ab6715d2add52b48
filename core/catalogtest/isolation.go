package catalogtest

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

var isolation = []guarantee{
	{"a name belongs to its organization", sameNames},
	{"another organization's stream is not found", foreignStream},
	{"another organization's stream cannot be changed", foreignChange},
	{"a list shows the organization's own streams", ownStreams},
	{"another organization's key cannot be revoked", foreignKey},
	{"a list shows the organization's own keys", ownKeys},
	{"an organization that is not there has nothing", noOrganization},
}

func sameNames(s *suite) {
	one, two := s.organization(), s.organization()
	first, second := s.created(one, "orders"), s.created(two, "orders")
	s.has(first)
	s.has(second)
	s.remove(first)
	s.nameless(one, "orders")
	s.has(second)
	s.refused(s.catalog.CreateStream(context.Background(), newStream(two, "orders")), core.CodeConflict, "CreateStream with a taken name")
	s.has(s.created(one, "orders"))
	third := s.created(one, "payments")
	s.has(s.update(second, func(stream *core.Stream) { stream.Name = "payments" }))
	s.has(third)
}

func foreignStream(s *suite) {
	one, two := s.organization(), s.organization()
	stream := s.created(one, "orders")
	s.gone(two, stream.ID)
	s.nameless(two, "orders")
	s.created(two, "payments")
	s.gone(two, stream.ID)
	s.nameless(two, "orders")
	s.has(stream)
}

func foreignChange(s *suite) {
	one, two := s.organization(), s.organization()
	stream, other := s.created(one, "orders"), s.created(two, "payments")
	for _, revision := range []int64{0, 1, 2, 3} {
		for _, name := range []string{"orders", "mine", "payments"} {
			taking := stream
			taking.Org, taking.Revision, taking.Name = two, revision, name
			s.refused(s.catalog.UpdateStream(context.Background(), taking), core.CodeNotFound, "UpdateStream of another organization's stream")
			taking.DeletedAt = &start
			s.refused(s.catalog.UpdateStream(context.Background(), taking), core.CodeNotFound, "UpdateStream of another organization's stream")
		}
	}
	s.has(stream)
	s.has(other)
	s.gone(two, stream.ID)
	s.sameStreams(s.list(two, everything), []core.Stream{other})
}

func ownStreams(s *suite) {
	one, two, none := s.organization(), s.organization(), s.organization()
	ofOne := s.several(one, "a", "c", "e", "g")
	ofTwo := s.several(two, "b", "c", "d", "f", "h")
	for _, limit := range []int{1, 2, 3, everything} {
		s.sameStreams(s.list(one, limit), ofOne)
		s.sameStreams(s.list(two, limit), ofTwo)
		s.sameStreams(s.list(none, limit), nil)
	}
}

func foreignKey(s *suite) {
	one, two := s.organization(), s.organization()
	key, own := s.createdKey(newKey(one, "web shop")), s.createdKey(newKey(two, "web shop"))
	s.refused(s.catalog.RevokeKey(context.Background(), two, key.ID, start), core.CodeNotFound, "RevokeKey of another organization's key")
	_, err := s.catalog.Key(context.Background(), two, key.ID)
	s.refused(err, core.CodeNotFound, "Key of another organization")
	stolen := rotated(key)
	stolen.Org = two
	s.refused(s.catalog.RotateKey(context.Background(), stolen), core.CodeNotFound, "RotateKey of another organization's key")
	s.hasKey(key)
	s.hasKey(own)
	s.revoke(key, start)
	s.refused(s.catalog.RevokeKey(context.Background(), two, key.ID, start), core.CodeNotFound, "RevokeKey of another organization's key")
	s.hasKey(own)
}

func ownKeys(s *suite) {
	one, two, none := s.organization(), s.organization(), s.organization()
	ofOne := s.createdKey(newKey(one, "web shop"))
	ofTwo := s.createdKey(newKey(two, "web shop"))
	s.sameKeys(s.keys(one), []core.APIKey{ofOne})
	s.sameKeys(s.keys(two), []core.APIKey{ofTwo})
	s.sameKeys(s.keys(none), nil)
}

func noOrganization(s *suite) {
	org := s.organization()
	stream, key := s.created(org, "orders"), s.createdKey(newKey(org, "web shop"))
	for _, unknown := range []core.ID{newID(start), {}, stream.ID} {
		s.gone(unknown, stream.ID)
		s.nameless(unknown, "orders")
		s.sameStreams(s.list(unknown, everything), nil)
		s.sameKeys(s.keys(unknown), nil)
		s.refused(s.catalog.RevokeKey(context.Background(), unknown, key.ID, start), core.CodeNotFound, "RevokeKey of another organization's key")
	}
	s.has(stream)
	s.hasKey(key)
}
