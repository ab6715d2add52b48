package destination

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Dial opens a connection to an address that an organization has named, or refuses to:
// the installation says which addresses may be reached. It is asked with the name and
// settles what the name means and whether it may be reached at once, so that no second
// answer of a name server gets by.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// OrNone returns d, or a Dial that refuses everything in the place of a missing one.
// Libraries take a missing one for their own, which goes anywhere.
func (d Dial) OrNone() Dial {
	if d != nil {
		return d
	}
	return func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("this server is set up to reach no addresses")
	}
}

// Transport returns a transport for HTTP that connects through dial alone. It asks no
// proxy, which would connect to anything in its stead, and follows no redirects. Close
// its idle connections in the end.
func Transport(dial Dial) *http.Transport {
	return &http.Transport{
		DialContext:            dial.OrNone(),
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        90 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // a short answer may become a long one
	}
}

// Plain returns why a server could not be reached in words for the owner of a processor.
// What the network says in its own has the addresses that names mean and the name server
// that said so: whoever may name a destination would learn the map of this network.
func Plain(err error) error {
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		if lookup.IsNotFound {
			return fmt.Errorf("there is no host %s", lookup.Name)
		}
		return fmt.Errorf("the address of the host %s cannot be looked up", lookup.Name)
	}
	if network, ok := errors.AsType[*net.OpError](err); ok {
		return network.Err
	}
	if request, ok := errors.AsType[*url.Error](err); ok {
		return request.Err
	}
	return err
}
