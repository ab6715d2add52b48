// Package jetstreamtest plans NATS servers for tests, and starts them as processes that
// can be killed. Package natsserver within it is the servers.
package jetstreamtest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// Node is what one server of a cluster is started with.
type Node struct {
	Name string
	Dir  string
	// Port is for clients, Monitor for questions about the server, Route for the other
	// servers, all on the loopback address.
	Port, Monitor, Route int
	// Routes are the ports by which the server reaches all servers of the cluster; none is
	// for a server alone.
	Routes []int
	// Walled has the server tell the others nothing of its own port, so that they reach it
	// by their Routes only.
	Walled bool
	// Relaxed leaves the server's default, which acknowledges before it flushes.
	Relaxed bool
	// Room is how many bytes the server may store, or 0 where there is enough.
	Room int64
	// Log is the file to which the server writes what it does, if it is not "".
	Log string
}

// Nodes plans n servers with free ports, which keep their data in folders of dir.
func Nodes(dir string, n int) ([]Node, error) {
	ports, err := freePorts(3 * n)
	if err != nil {
		return nil, err
	}
	nodes := make([]Node, n)
	for i := range nodes {
		name := "n" + strconv.Itoa(i+1)
		nodes[i] = Node{Name: name, Dir: filepath.Join(dir, name), Port: ports[3*i], Monitor: ports[3*i+1], Route: ports[3*i+2]}
	}
	if n > 1 {
		for i := range nodes {
			for j := range nodes {
				nodes[i].Routes = append(nodes[i].Routes, nodes[j].Route)
			}
		}
	}
	return nodes, nil
}

// URL is a store's URL on the servers, under a name.
func URL(nodes []Node, name string, partitions, replicas int) *url.URL {
	var hosts, monitors []string
	for _, n := range nodes {
		hosts = append(hosts, "127.0.0.1:"+strconv.Itoa(n.Port))
		monitors = append(monitors, "http://127.0.0.1:"+strconv.Itoa(n.Monitor))
	}
	query := url.Values{
		"name": {name}, "partitions": {strconv.Itoa(partitions)}, "replicas": {strconv.Itoa(replicas)}, "monitor": {strings.Join(monitors, ",")},
	}
	return &url.URL{Scheme: "nats", Host: strings.Join(hosts, ","), RawQuery: query.Encode()}
}

// given has the ports that this process was given: between a test's plan and the start of
// its servers nobody listens there, and tests run beside each other.
var given sync.Map

// freePorts are ports on which nobody listens, which were not given before, and which no
// system gives to the client of a connection: while a server is down, another one's client
// could have it.
func freePorts(n int) (ports []int, err error) {
	for tries := 0; len(ports) < n; tries++ {
		if tries > 100*n {
			return nil, fmt.Errorf("there are no %d free ports from %d to %d: %w", n, firstPort, firstPort+portCount-1, err)
		}
		port := firstPort + rand.IntN(portCount) //nolint:gosec // any number does
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		listener, failed := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)) //nolint:noctx // it does not wait
		if failed != nil {
			err = failed
			continue
		}
		ports = append(ports, port)
		if err := listener.Close(); err != nil {
			return nil, err
		}
	}
	return ports, nil
}

const (
	firstPort = 10_000
	portCount = 20_000
)
