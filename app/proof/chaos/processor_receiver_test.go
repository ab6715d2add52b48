package chaos_test

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/eventflow-go/eventflow/app/proof/chaos/history"
)

// receiver is where webhooks go. It fails three times in ten, sometimes answers later
// than its sender waits, and sometimes never; it records all that arrives. A request's
// path names its processor.
type receiver struct {
	t   *testing.T
	url string

	mu     sync.Mutex
	random *rand.Rand
	all    []history.Arrival
	// taken are the offsets that each processor has brought.
	taken map[string]map[int64]bool
}

// requestTimeout is how long the webhooks wait for an answer.
const requestTimeout = time.Second

func newReceiver(t *testing.T, random *rand.Rand) *receiver {
	t.Helper()
	r := &receiver{t: t, random: random, taken: map[string]map[int64]bool{}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections) // comes first: somebody may hang
	r.url = server.URL + "/"
	return r
}

// ServeHTTP takes one event, or does not.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	arrived := history.Arrival{Processor: request.URL.Path[1:], From: time.Now()}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // its sender was killed
	}
	var event struct {
		ID     string `json:"event_id"`
		Offset *int64 `json:"offset"`
	}
	if err := json.Unmarshal(body, &event); err != nil || event.Offset == nil || event.ID != request.Header.Get("Webhook-Id") {
		r.t.Errorf("a request that is none: id %q, body %s", request.Header.Get("Webhook-Id"), body)
		return
	}
	arrived.Offset = *event.Offset
	r.mu.Lock()
	chance := r.random.IntN(100)
	r.mu.Unlock()
	status := http.StatusOK
	switch {
	case chance < 30:
		status = http.StatusInternalServerError
	case chance < 32: // late
		wait(request, requestTimeout+requestTimeout/4)
	case chance < 34: // never
		wait(request, time.Minute)
	default:
		wait(request, time.Duration(chance)*50*time.Microsecond)
	}
	arrived.Left = request.Context().Err() != nil
	arrived.OK = status == http.StatusOK && !arrived.Left
	r.record(arrived) // before the answer, upon which the next request comes
	w.WriteHeader(status)
}

// wait waits for a time, or until the sender has left.
func wait(request *http.Request, d time.Duration) {
	select {
	case <-time.After(d):
	case <-request.Context().Done():
	}
}

func (r *receiver) record(a history.Arrival) {
	a.To = time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, a)
	if !a.OK {
		return
	}
	if r.taken[a.Processor] == nil {
		r.taken[a.Processor] = map[int64]bool{}
	}
	r.taken[a.Processor][a.Offset] = true
}

// took is how many events a processor has brought.
func (r *receiver) took(processor string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.taken[processor])
}

func (r *receiver) arrivals() []history.Arrival {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}
