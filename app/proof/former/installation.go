package main

import (
	"encoding/json"
	"maps"
	"os"
)

// installation is what must hold of one that a former version made.
type installation struct {
	Secret string   `json:"secret"`
	People []person `json:"people"`
	Keys   []key    `json:"keys"`
	// Sent are requests that stored an event and carry an idempotency key, in the
	// order in which they were made.
	Sent []sent `json:"sent"`
	// Events are the pages of all streams' events, as they were read at last, byte for
	// byte.
	Events map[string]string `json:"events"`
	// Resources are other answers, by their paths. Times of now are in none of them.
	Resources map[string]string `json:"resources"`
	// Groups are the groups of the stream orders.
	Groups []group `json:"groups"`
	// Parked and Discarded are dead letters. Replay is a replay that was running when
	// the server was stopped, with so slow a rate that most of it is left to do.
	Parked    []string `json:"parked"`
	Discarded string   `json:"discarded"`
	Replay    string   `json:"replay"`
}

// person is a user and the password to sign in with.
type person struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

// key is a credential of an organization.
type key struct {
	Name   string `json:"name"`
	Secret string `json:"secret"`
	// Status is what reading the stream orders with it answered.
	Status int `json:"status"`
}

// sent is a request and what it was answered.
type sent struct {
	Stream      string            `json:"stream"`
	ContentType string            `json:"content_type"`
	Headers     map[string]string `json:"headers,omitempty"`
	Body        string            `json:"body"`
	EventID     string            `json:"event_id"`
	Offset      int64             `json:"offset"`
}

// headers are all headers of the request but the credential.
func (s sent) headers() map[string]string {
	all := map[string]string{"Content-Type": s.ContentType}
	maps.Copy(all, s.Headers)
	return all
}

// group is how far a consumer group got.
type group struct {
	Name      string `json:"name"`
	Committed int64  `json:"committed"`
	Lag       int64  `json:"lag"`
	// Leased are the offsets that a consumer had when the server was stopped.
	Leased []int64 `json:"leased,omitempty"`
}

func writeJSON(path string, value any) error {
	text, err := json.MarshalIndent(value, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}
