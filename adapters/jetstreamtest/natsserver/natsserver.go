// Package natsserver is NATS servers for tests: within the process, or as the process. It
// is the only place that links the server; the program does not.
package natsserver

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/eventflow-go/eventflow/adapters/jetstreamtest"
)

// options are the settings that README.md of adapters/jetstream asks for.
func options(n *jetstreamtest.Node) *server.Options {
	o := &server.Options{
		ServerName: n.Name, Host: "127.0.0.1", Port: n.Port, HTTPHost: "127.0.0.1", HTTPPort: n.Monitor,
		JetStream: true, StoreDir: n.Dir, SyncAlways: !n.Relaxed, SyncInterval: 2 * time.Minute, MaxPayload: 8 << 20, NoSigs: true,
		LogFile: n.Log, Logtime: true, LameDuckDuration: 2 * time.Second, LameDuckGracePeriod: time.Second,
		JetStreamMaxMemory: 1 << 30, JetStreamMaxStore: 1 << 40,
	}
	if n.Room > 0 {
		o.JetStreamMaxStore = n.Room
	}
	o.JetStreamLimits.MaxBatchSize = 20_000
	o.JetStreamLimits.MaxBatchInflightPerStream = 200
	if len(n.Routes) > 0 {
		o.Cluster = server.ClusterOpts{Name: "eventflow-test", Host: "127.0.0.1", Port: n.Route}
		if n.Walled {
			o.Cluster.Advertise = "127.0.0.1:1" // nobody listens there
		}
		addOperator(o)
		for _, port := range n.Routes {
			o.Routes = append(o.Routes, &url.URL{Scheme: "nats", Host: "127.0.0.1:" + strconv.Itoa(port)})
		}
	}
	return o
}

// addOperator has a user who may change the cluster, beside those who say no name.
func addOperator(o *server.Options) {
	system := server.NewAccount("SYS")
	o.SystemAccount, o.Accounts, o.NoAuthUser = system.Name, []*server.Account{system}, "anybody"
	o.Users = []*server.User{
		{Username: o.NoAuthUser, Password: o.NoAuthUser},
		{Username: jetstreamtest.Operator, Password: jetstreamtest.Operator, Account: system},
	}
}

// startTimeout bounds a start.
const startTimeout = time.Minute

// run starts a server within this process.
func run(n *jetstreamtest.Node) (*server.Server, error) {
	s, err := server.NewServer(options(n))
	if err != nil {
		return nil, err
	}
	go s.Start()
	if !s.ReadyForConnections(startTimeout) {
		s.Shutdown()
		return nil, errors.New("the NATS server does not get ready")
	}
	return s, nil
}

// ServeIfAsked turns this process into a NATS server, if [jetstreamtest.Node.Start] started it, and
// does not return then. Call it first in TestMain, or in main.
func ServeIfAsked() {
	n, asked, err := jetstreamtest.Asked()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if !asked {
		return
	}
	o := options(&n)
	o.NoSigs = false // the process is the server's own
	s, err := server.NewServer(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if n.Log != "" {
		s.ConfigureLogger()
	}
	s.Start()
	s.WaitForShutdown()
	os.Exit(0)
}

// Within runs servers in this process until stop is called.
func Within(nodes []jetstreamtest.Node) (stop func(), err error) {
	var running []*server.Server
	stop = func() {
		for _, s := range running {
			s.Shutdown()
			s.WaitForShutdown()
		}
	}
	started := make([]*server.Server, len(nodes))
	errs := make(chan error, len(nodes))
	for i := range nodes {
		go func() {
			var err error
			started[i], err = run(&nodes[i])
			errs <- err
		}()
	}
	for range nodes {
		err = errors.Join(err, <-errs)
	}
	for _, s := range started {
		if s != nil {
			running = append(running, s)
		}
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("starting NATS servers: %w", err)
	}
	return stop, nil
}
