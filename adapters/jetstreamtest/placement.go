package jetstreamtest

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// Placement says which servers hold a JetStream stream, by their names.
type Placement struct {
	Leader string
	// Followers are the other servers that hold it, and know all that it has.
	Followers []string
	// Behind are those that do not, or are away.
	Behind []string
	// Last is the highest sequence.
	Last uint64
}

// PlacementOf asks the servers where a JetStream stream is.
func PlacementOf(ctx context.Context, nodes []Node, stream string) (at Placement, err error) {
	var told struct {
		State struct {
			Last uint64 `json:"last_seq"`
		}
		Cluster struct {
			Leader   string
			Replicas []struct {
				Name             string
				Current, Offline bool
				Lag              uint64
			}
		}
	}
	if err := ask(ctx, nodes, "$JS.API.STREAM.INFO."+stream, nil, &told); err != nil {
		return at, err
	}
	at.Leader, at.Last = told.Cluster.Leader, told.State.Last
	for _, one := range told.Cluster.Replicas {
		if one.Current && !one.Offline && one.Lag == 0 {
			at.Followers = append(at.Followers, one.Name)
		} else {
			at.Behind = append(at.Behind, one.Name)
		}
	}
	return at, nil
}

// RemovePeer has a server hold a JetStream stream no more. Another server of the cluster,
// which does not hold it yet, takes its place.
func RemovePeer(ctx context.Context, nodes []Node, stream, server string) error {
	return ask(ctx, nodes, "$JS.API.STREAM.PEER.REMOVE."+stream, map[string]string{"peer": server}, &struct{}{})
}

// Lead has a server that holds a JetStream stream lead it, and waits until it does.
func Lead(ctx context.Context, nodes []Node, stream, server string) error {
	for {
		at, err := PlacementOf(ctx, nodes, stream)
		if err == nil && at.Leader == server && len(at.Behind) == 0 {
			return nil
		}
		if err == nil && at.Leader != server {
			prefer := map[string]any{"placement": map[string]string{"preferred": server}}
			_ = ask(ctx, nodes, "$JS.API.STREAM.LEADER.STEPDOWN."+stream, prefer, &struct{}{}) // else it is asked again
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not lead %s: %w", server, stream, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Operator is the name and the password of the user who may change a cluster.
const Operator = "operator"

// RemoveServer has a cluster forget a server that does not run and will not come back. What
// it held other servers take over, as far as there are any.
func RemoveServer(ctx context.Context, nodes []Node, server string) error {
	return ask(ctx, nodes, "$JS.API.SERVER.REMOVE", map[string]string{"peer": server}, &struct{}{}, nats.UserInfo(Operator, Operator))
}

// ask sends one request to whichever server can be reached.
func ask(ctx context.Context, nodes []Node, subject string, body, answer any, options ...nats.Option) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var servers []string
	for _, n := range nodes {
		servers = append(servers, "nats://127.0.0.1:"+strconv.Itoa(n.Port))
	}
	conn, err := nats.Connect(strings.Join(servers, ","), append(options, nats.Timeout(2*time.Second))...)
	if err != nil {
		return err
	}
	defer conn.Close()
	var data []byte
	if body != nil {
		if data, err = json.Marshal(body); err != nil {
			return err
		}
	}
	m, err := conn.RequestWithContext(ctx, subject, data)
	if err != nil {
		return fmt.Errorf("%s: %w", subject, err)
	}
	var refused struct {
		Error *struct{ Description string }
	}
	if err := json.Unmarshal(m.Data, &refused); err != nil {
		return err
	}
	if refused.Error != nil {
		return fmt.Errorf("%s: %s", subject, refused.Error.Description)
	}
	return json.Unmarshal(m.Data, answer)
}
