package chaos_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// depot is an object store that knows which server asks, and can have one killed while it
// does. The servers are told apart by the keys that they sign with.
type depot struct {
	url     string
	backend *s3mem.Backend

	// mu guards set.
	mu  sync.Mutex
	set *trap
}

// trap is sprung by a call of a server, before or after what it asks for is done. The server
// gets no answer.
type trap struct {
	who, method string
	after       bool
	// at is which of the calls springs it, and seen how many there were.
	at, seen int
	spring   func()
}

func newDepot(t *testing.T) *depot {
	t.Helper()
	d := &depot{backend: s3mem.New()}
	require.NoError(t, d.backend.CreateBucket("events"))
	objects := gofakes3.New(d.backend).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		set := d.sprung(r)
		if set == nil {
			objects.ServeHTTP(w, r)
			return
		}
		if set.after {
			objects.ServeHTTP(httptest.NewRecorder(), r)
		}
		set.spring()
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(server.Close)
	d.url = "s3://events?path_style=true&endpoint=" + server.URL
	return d
}

// settings are those of a server that has its archive there.
func (d *depot) settings(who string) []string {
	return []string{"EVENTFLOW_ARCHIVE=" + d.url, "EVENTFLOW_ARCHIVE_ACCESS_KEY=" + who, "EVENTFLOW_ARCHIVE_SECRET_KEY=a-secret-that-is-long-enough", "EVENTFLOW_LOG_LEVEL=info"}
}

// trap sets a trap, and goOn takes away one that was not sprung.
func (d *depot) trap(set *trap) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.set = set
}

func (d *depot) goOn() { d.trap(nil) }

// sprung returns the trap if a request springs it. Each springs once.
func (d *depot) sprung(r *http.Request) *trap {
	d.mu.Lock()
	defer d.mu.Unlock()
	set := d.set
	if set == nil || r.Method != set.method || !strings.Contains(r.Header.Get("Authorization"), "Credential="+set.who+"/") {
		return nil
	}
	if set.seen++; set.seen < set.at {
		return nil
	}
	d.set = nil
	return set
}

// objects are the names and the hashes of what is there of a stream.
func (d *depot) objects(stream core.ID) map[string]string {
	found := map[string]string{}
	list, err := d.backend.ListBucket("events", nil, gofakes3.ListBucketPage{})
	if err != nil {
		return nil
	}
	for _, one := range list.Contents {
		if !strings.Contains(one.Key, "/stream="+stream.String()+"/") {
			continue
		}
		object, err := d.backend.GetObject("events", one.Key, nil)
		if err != nil {
			return nil
		}
		content := bytes.Buffer{}
		_, _ = io.Copy(&content, object.Contents) // a part of it has another hash
		_ = object.Contents.Close()
		sum := sha256.Sum256(content.Bytes())
		found[one.Key] = hex.EncodeToString(sum[:])
	}
	return found
}
