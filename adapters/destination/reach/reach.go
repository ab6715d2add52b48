// Package reach opens connections to addresses that people name, and refuses those that
// no stranger should reach through this server: its own machine, the networks around it,
// the metadata services of clouds, and addresses that are translated into any of them.
//
// A name may mean another address each time it is asked for, so an address is judged when
// it is dialled, after the last look-up and before the first packet. What people write is
// judged before that, by [Check], so that they are told at once.
package reach

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// Options say what may be reached.
type Options struct {
	// AllowPrivate adds private networks and the machine itself to what may be reached.
	// Link-local addresses, metadata services, multicast and translated addresses stay
	// out of reach.
	AllowPrivate bool
	// Ports are the ports that may be reached at public addresses; none stands for all.
	// At private addresses any port may be.
	Ports []uint16
	// Timeout bounds one connection's making; zero stands for ten seconds.
	Timeout time.Duration
	// Resolver looks names up; nil stands for the system's.
	Resolver *net.Resolver
}

// Dialer opens connections. Several goroutines may use it at once.
type Dialer struct {
	options Options
	dialer  net.Dialer
}

// New returns a dialer.
func New(options Options) *Dialer {
	d := &Dialer{options: options}
	d.dialer = net.Dialer{
		Timeout:        options.Timeout,
		KeepAlive:      30 * time.Second,
		Resolver:       options.Resolver,
		ControlContext: d.control,
	}
	if d.dialer.Timeout == 0 {
		d.dialer.Timeout = 10 * time.Second
	}
	return d
}

// Dial opens a TCP connection to host:port. A refusal is a [*RefusedError].
func (d *Dialer) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	conn, err := d.dialer.DialContext(ctx, "tcp", address)
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		return nil, refused // without the address that a name means: names of networks inside are nobody's business
	}
	return conn, err
}

// control is called with the very address that is about to be connected to.
func (d *Dialer) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return &RefusedError{Reason: "is none that this server can judge"}
	}
	return d.options.judge(target)
}

// RefusedError says that an address must not be reached.
type RefusedError struct {
	// Reason completes the sentence "the address …".
	Reason string
	// Private says that it may be reached where private networks are allowed.
	Private bool
}

// Error implements error. It does not say which address it is about.
func (e *RefusedError) Error() string { return "the host's address " + e.Reason }

// judge returns a [*RefusedError] about an address that must not be reached, or nil.
func (o *Options) judge(target netip.AddrPort) error {
	refused := judgeAddr(target.Addr())
	switch {
	case refused != nil && (!refused.Private || !o.AllowPrivate):
		return refused
	case refused == nil && len(o.Ports) > 0 && !slices.Contains(o.Ports, target.Port()):
		return &RefusedError{Reason: "has port " + strconv.Itoa(int(target.Port())) + ", and this server connects to other ports only"}
	}
	return nil
}
