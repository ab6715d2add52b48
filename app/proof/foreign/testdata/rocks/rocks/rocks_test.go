package rocks_test

import (
	"net/url"
	"sync"
	"testing"

	"example.com/rocks/rocks"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/storetest"
)

func TestStorage(t *testing.T) {
	var folders sync.Map
	open := func(t *testing.T, folder string) core.Storage {
		storage, err := rocks.Open(t.Context(), &url.URL{Scheme: "rocks", Opaque: folder})
		if err != nil {
			t.Fatal(err)
		}
		folders.Store(storage, folder)
		return storage
	}
	storetest.Run(t, func(t *testing.T) core.Storage { return open(t, t.TempDir()) }, storetest.Features{
		Reopen: func(t *testing.T, storage core.Storage) core.Storage {
			if err := storage.Close(); err != nil {
				t.Fatal(err)
			}
			folder, _ := folders.Load(storage)
			return open(t, folder.(string))
		},
	})
}
