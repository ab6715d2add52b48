package jetstream

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// settings are what a store's URL says:
//
//	nats://user:password@host:4222,host2:4222/?partitions=8&replicas=3&name=eventflow&monitor=http://host:8222,http://host2:8222
type settings struct {
	servers string
	// name begins the names of the JetStream streams and of all subjects.
	name                 string
	partitions, replicas int
	// monitors are the addresses where the servers tell about themselves.
	monitors []string
	// ca is a file with the certificates to trust.
	ca string
}

// Bounds of the settings. Each partition costs every server about a megabyte and a
// score of goroutines.
const (
	maxPartitions = 512
	maxReplicas   = 5
)

// goodName keeps to what may stand in a subject and in the name of a JetStream stream.
var goodName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

var known = []string{"name", "partitions", "replicas", "monitor", "ca"}

// parse reads a URL. Its errors quote nothing of what may be a password.
func parse(u *url.URL) (settings, error) {
	query := u.Query()
	s := settings{name: "eventflow", partitions: 1, replicas: 1, ca: query.Get("ca")}
	for name := range query {
		if !slices.Contains(known, name) {
			return s, fmt.Errorf("the parameter %q is unknown; there are %s", name, strings.Join(known, ", "))
		}
	}
	if u.Host == "" {
		return s, errors.New("names no server; it must be like nats://host:4222")
	}
	if strings.Trim(u.Path, "/") != "" {
		return s, errors.New("must have no path: what is to be set goes into parameters, like nats://host:4222?partitions=8")
	}
	if query.Has("name") {
		s.name = query.Get("name")
	}
	if !goodName.MatchString(s.name) {
		return s, errors.New("name must be 1 to 32 letters, digits, - or _")
	}
	var err error
	if s.partitions, err = number(query, "partitions", 1, maxPartitions); err != nil {
		return s, err
	}
	if s.replicas, err = number(query, "replicas", 1, maxReplicas); err != nil {
		return s, err
	}
	if s.replicas%2 == 0 {
		return s, errors.New("replicas must be 1, 3 or 5: an even number survives no more losses than the odd one before")
	}
	if s.monitors, err = monitors(query.Get("monitor")); err != nil {
		return s, err
	}
	s.servers = servers(u)
	return s, nil
}

func number(query url.Values, name string, least, most int) (int, error) {
	if !query.Has(name) {
		return least, nil
	}
	n, err := strconv.Atoi(query.Get(name))
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s must be %d to %d", name, least, most)
	}
	return n, nil
}

func monitors(text string) (all []string, err error) {
	for one := range strings.SplitSeq(text, ",") {
		if one = strings.TrimRight(strings.TrimSpace(one), "/"); one == "" {
			continue
		}
		u, err := url.Parse(one)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, errors.New("monitor must be addresses like http://host:8222, separated by commas")
		}
		all = append(all, one)
	}
	return all, nil
}

// servers returns the hosts as the client takes them: one URL each, all with the
// same user.
func servers(u *url.URL) string {
	var all []string
	for host := range strings.SplitSeq(u.Host, ",") {
		one := url.URL{Scheme: u.Scheme, User: u.User, Host: host}
		all = append(all, one.String())
	}
	return strings.Join(all, ",")
}
