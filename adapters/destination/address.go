package destination

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// maxAddressLength bounds an address that people give, in bytes.
const maxAddressLength = 2000

// Judge refuses the URL of a server that this installation reaches in no case, as an
// address of its own network. It is asked what people write, so that they are told at
// once; a name may mean another address when it is dialled, where [Dial] decides. A nil
// Judge refuses nothing.
type Judge func(field, text string) (*url.URL, error)

// URL checks the address of a server, as `https://example.com:8443`, and returns it
// without a slash at its end.
func (j Judge) URL(name, text string) (string, error) {
	checked, err := serverOf(name, text)
	if err == nil && j != nil {
		_, err = j(name, checked)
	}
	return checked, err
}

// HostPort checks the address of a server without a scheme, as `example.com:9092`.
func (j Judge) HostPort(name, text string) (string, error) {
	checked, err := hostPort(name, text)
	if err == nil && j != nil {
		_, err = j(name, "https://"+checked)
	}
	return checked, err
}

func serverOf(name, text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return "", core.Invalid(name, "is required")
	case len(text) > maxAddressLength:
		return "", core.Invalid(name, "must have at most %d bytes", maxAddressLength)
	case err != nil: // its text may quote a password
		return "", core.Invalid(name, "must be an address like https://example.com")
	case u.Scheme != "https" && u.Scheme != "http":
		return "", core.Invalid(name, "must begin with https:// or http://")
	case u.User != nil:
		return "", core.Invalid(name, "must not contain a user or a password")
	case u.Hostname() == "" || u.Opaque != "":
		return "", core.Invalid(name, "must name a host")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return "", core.Invalid(name, "must end with the host and its port")
	case u.Port() != "" && !isPort(u.Port()):
		return "", core.Invalid(name, "has the port %s, which is no port", u.Port())
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

func hostPort(name, text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil || host == "" || !isPort(port) || len(text) > maxAddressLength || strings.ContainsAny(host, "/@ \t\r\n") {
		return "", core.Invalid(name, "must be a host and a port like broker.example.com:9092")
	}
	return net.JoinHostPort(strings.ToLower(host), port), nil
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}
