package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/adapters/sqlitefile"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
)

// Config is every setting of the server. A setting is read from a flag
// (`--queue-events`), else the environment (`EVENTFLOW_QUEUE_EVENTS`, or
// `EVENTFLOW_SECRET_FILE` naming a file that holds the value), else the file
// named by `--config` (lines of `EVENTFLOW_QUEUE_EVENTS=50000`), else the
// default. Whatever is unknown or wrong refuses to start.
//
// A running server that reads its settings again ([Running.Reload], SIGHUP) takes
// over those with the tag reload. The others need a restart.
type Config struct {
	Addr           string `name:"addr" default:":8080" usage:"address to listen on, host:port"`
	Store          string `name:"store" default:"sqlite:./eventflow_data" usage:"where events are kept, as a URL: sqlite:FOLDER, postgres://…, sharded:URL,URL,… or sharded:@FILE, nats://…, memory:, or a scheme of this build"`
	Catalog        string `name:"catalog" default:"" usage:"where streams and keys are kept, as a URL: sqlite:FOLDER or postgres://…; by default together with the events"`
	Secret         string `name:"secret" default:"" usage:"at least 32 characters, the key for hashing credentials; the same on every node ('eventflow secret' generates one)" secret:"true"`
	SecretPrevious string `name:"secret-previous" default:"" usage:"the previous secret, while it is being changed: keys, links and sessions made with it stay valid; rotate the keys, then remove it" secret:"true"`

	Archive          string `name:"archive" default:"" usage:"where old events go, as a URL: s3://bucket/prefix?region=eu-central-1 (and endpoint=https://… for stores other than Amazon's), or file:///folder; by default they stay in the store"`
	ArchiveAccessKey string `name:"archive-access-key" default:"" usage:"access key of the archive's bucket; without it, what programs on Amazon's machines use"`
	ArchiveSecretKey string `name:"archive-secret-key" default:"" usage:"secret key of the archive's bucket" secret:"true"`
	HotDays          int    `name:"hot-days" default:"7" usage:"days after which events go from the store into the archive, for streams that have no hot_days of their own"`

	Redis string `name:"redis" default:"" usage:"a Redis server, as a URL like redis://host:6379/0, through which several nodes tell each other of new events at once and count requests together" secret:"true"`

	TLSCert        string `name:"tls-cert" default:"" usage:"file of the certificate chain (PEM), to serve HTTPS without a proxy" reload:"true"`
	TLSKey         string `name:"tls-key" default:"" usage:"file of the certificate's private key (PEM)" reload:"true"`
	TrustedProxies string `name:"trusted-proxies" default:"" usage:"networks of proxies whose X-Forwarded-For is believed, like 10.0.0.0/8,fd00::/8"`

	Dashboard bool   `name:"dashboard" default:"true" usage:"serve the dashboard alongside the API"`
	PublicURL string `name:"public-url" default:"http://127.0.0.1:8080" usage:"the URL where people reach the server, for links in emails"`
	SMTP      string `name:"smtp" default:"" usage:"a mail server, as a URL like smtps://user:password@host:465; without one, links are shown to the person who invites" secret:"true"`
	MailFrom  string `name:"mail-from" default:"" usage:"sender address of emails; required with smtp"`

	RateKey     string `name:"rate-key" default:"1000/100" usage:"requests from one API key, per minute / at once; more are answered with 429; or off" reload:"true"`
	RateUser    string `name:"rate-user" default:"500/50" usage:"requests from one signed-in person, per minute / at once; or off" reload:"true"`
	RateAddress string `name:"rate-address" default:"100/100" usage:"requests from one client address without a valid credential, per minute / at once; or off" reload:"true"`

	LogLevel  string `name:"log-level" default:"info" usage:"debug, info, warn or error" reload:"true"`
	LogFormat string `name:"log-format" default:"json" usage:"json or text"`

	CommitLanes int `name:"commit-lanes" default:"0" usage:"group commits that may run at once, each for its own streams; 0 means 2 on PostgreSQL and 1 elsewhere"`
	QueueEvents int `name:"queue-events" default:"50000" usage:"events that may wait for their commit, per lane; more are answered with 503"`
	QueueBytes  int `name:"queue-bytes" default:"67108864" usage:"bytes that may wait for their commit, per lane; more are answered with 503"`

	ReadTimeout      time.Duration `name:"read-timeout" default:"10s" usage:"time a client may take to send a request"`
	WriteTimeout     time.Duration `name:"write-timeout" default:"30s" usage:"time a client may take to read an answer"`
	IdleTimeout      time.Duration `name:"idle-timeout" default:"60s" usage:"time a connection may stay open without a request"`
	Connections      int           `name:"connections" default:"16384" usage:"connections served at once; on more, only questions about health are answered. An organization may use as many for live tails, polls that wait and exports as it leaves free"`
	InflightBytes    int64         `name:"inflight-bytes" default:"268435456" usage:"bytes of request bodies held in memory at once; more are answered with 503. An organization may hold as many as it leaves free"`
	UploadRate       int           `name:"upload-rate" default:"4096" usage:"bytes of a large request body that must arrive in a second, over half of read-timeout; slower ones are answered with 408"`
	ShareStreams     int64         `name:"share-streams" default:"10000" usage:"streams that an organization may have; one more is answered with 409. 'eventflow org limit' sets another number for one organization, also of what follows" reload:"true"`
	ShareGroups      int64         `name:"share-groups" default:"10000" usage:"consumer groups that an organization may have" reload:"true"`
	ShareKeys        int64         `name:"share-keys" default:"10000" usage:"API keys and service tokens that an organization may have, revoked ones aside" reload:"true"`
	ShareUsers       int64         `name:"share-users" default:"10000" usage:"people that an organization may have" reload:"true"`
	ShareSources     int64         `name:"share-sources" default:"1000" usage:"sources, addresses for webhooks, that an organization may have" reload:"true"`
	ShareQuarantine  int64         `name:"share-quarantine" default:"10000" usage:"events that do not fit their schema that an organization may keep in quarantine; more are refused" reload:"true"`
	ShareReplays     int64         `name:"share-replays" default:"20" usage:"replays of dead letters of an organization that may run at once; one more is answered with 429" reload:"true"`
	ShareEvaluations int64         `name:"share-evaluations" default:"0" usage:"thousandths of a core that the schemas of an organization may take on each node, beyond a plain reading; 0 is a quarter of the cores. More is answered with 429" reload:"true"`

	ProcessorDisableAfter    time.Duration `name:"processor-disable-after" default:"120h" usage:"time without a success after which a processor is disabled whose destination fails; 0 never disables one"`
	AllowPrivateDestinations bool          `name:"allow-private-destinations" default:"false" usage:"let processors send to private and loopback addresses, which may belong to machines that trust this one; 'eventflow dev' allows it"`

	DiskLow int64 `name:"disk-low" default:"1073741824" usage:"bytes free on the disk of a SQLite folder; with less, health is degraded and the log warns. 0 never warns"`

	DrainDelay   time.Duration `name:"drain-delay" default:"0s" usage:"time for which a server that is told to stop still takes requests, while it says that it is not ready; longer than a load balancer takes to notice"`
	DrainTimeout time.Duration `name:"drain-timeout" default:"30s" usage:"time requests in flight get to finish when the server stops"`

	MetricsToken string `name:"metrics-token" default:"" usage:"at least 16 characters that readers of /metrics must present as Authorization: Bearer; without it, only this machine may read it" secret:"true"`

	RequireStandby         bool `name:"require-standby" default:"false" usage:"be ready only while each PostgreSQL, of the store, its shards and the catalog, has a synchronous standby, so that what is acknowledged is on two machines"`
	AllowRelaxedDurability bool `name:"allow-relaxed-durability" default:"false" usage:"report ready even if the store's settings could lose acknowledged events in a crash; health says so"`
}

// validate refuses what cannot work, naming the setting.
func (c Config) validate() error {
	_, port, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return wrong("addr", "must be host:port, like :8080 or 127.0.0.1:8080")
	}
	if _, err := net.DefaultResolver.LookupPort(context.Background(), "tcp", port); err != nil {
		return wrong("addr", fmt.Sprintf("has the invalid port %q; it must be 0 to 65535", port))
	}
	if _, err := storeURL(c.Store); err != nil {
		return wrong("store", err.Error())
	}
	if _, err := c.catalogURL(); err != nil {
		return wrong("catalog", err.Error())
	}
	if err := c.validateArchive(); err != nil {
		return err
	}
	if err := c.validateStandby(); err != nil {
		return err
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return wrong("tls-cert and tls-key", "go together: set both or neither")
	}
	if _, err := c.trustedProxies(); err != nil {
		return wrong("trusted-proxies", err.Error())
	}
	if err := c.validatePublicURL(); err != nil {
		return wrong("public-url", err.Error())
	}
	if c.SMTP != "" && c.MailFrom == "" {
		return wrong("smtp and mail-from", "go together: mail-from is required with smtp, the sender address of emails")
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return wrong("log-level", "must be debug, info, warn or error")
	}
	if c.LogFormat != "json" && c.LogFormat != "text" {
		return wrong("log-format", "must be json or text")
	}
	if err := c.validateMetricsToken(); err != nil {
		return err
	}
	return c.validateBounds()
}

// minMetricsToken is how short a metrics-token may be.
const minMetricsToken = 16

// validateMetricsToken refuses what is guessed, and what no header can hold.
func (c Config) validateMetricsToken() error {
	token := c.MetricsToken
	if token == "" {
		return nil
	}
	if len(token) < minMetricsToken || strings.Count(token, token[:1]) == len(token) {
		return wrong("metrics-token", fmt.Sprintf("is too weak: at least %d random characters are required. Generate one with 'eventflow secret'", minMetricsToken))
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return wrong("metrics-token", "must consist of ASCII letters, digits and punctuation, without spaces: it is sent in a header")
	}
	return nil
}

func (c Config) validateBounds() error {
	for name, text := range map[string]string{"rate-key": c.RateKey, "rate-user": c.RateUser, "rate-address": c.RateAddress} {
		if _, err := core.ParseLimit(text); err != nil {
			return wrong(name, err.Error())
		}
	}
	if c.CommitLanes < 0 || c.CommitLanes > 64 {
		return wrong("commit-lanes", "must be 0 to 64")
	}
	if c.QueueEvents < core.MaxBatchEvents {
		return wrong("queue-events", fmt.Sprintf("must be at least %d, the size of one batch", core.MaxBatchEvents))
	}
	if c.QueueBytes < 2*core.MaxBatchBytes || c.InflightBytes < 2*core.MaxBatchBytes {
		return wrong("queue-bytes and inflight-bytes", fmt.Sprintf("must be at least %d, two full batches", 2*core.MaxBatchBytes))
	}
	for name, value := range map[string]time.Duration{
		"read-timeout": c.ReadTimeout, "write-timeout": c.WriteTimeout, "idle-timeout": c.IdleTimeout, "drain-timeout": c.DrainTimeout,
	} {
		if value <= 0 {
			return wrong(name, "must be longer than 0s")
		}
	}
	for name, value := range map[string]time.Duration{"drain-delay": c.DrainDelay, "processor-disable-after": c.ProcessorDisableAfter} {
		if value < 0 {
			return wrong(name, "must not be negative")
		}
	}
	if c.Connections < 1 {
		return wrong("connections", "must be at least 1")
	}
	return c.validateShares()
}

// validateShares refuses bounds of organizations, and of a disk, that nobody can mean.
func (c Config) validateShares() error {
	for share, most := range map[string]int64{
		"share-streams": c.ShareStreams, "share-groups": c.ShareGroups, "share-keys": c.ShareKeys, "share-users": c.ShareUsers,
		"share-sources": c.ShareSources, "share-quarantine": c.ShareQuarantine, "share-replays": c.ShareReplays,
	} {
		if most < 1 || most > core.MaxShare {
			return wrong(share, fmt.Sprintf("must be 1 to %d", core.MaxShare))
		}
	}
	if c.DiskLow < 0 {
		return wrong("disk-low", "must be a number of bytes, or 0 to never warn")
	}
	if c.ShareEvaluations < 0 || c.ShareEvaluations > core.MaxShare {
		return wrong("share-evaluations", fmt.Sprintf("must be 1 to %d, or 0 for a quarter of the cores", core.MaxShare))
	}
	if c.UploadRate < 1 || c.UploadRate > core.MaxBatchBytes {
		return wrong("upload-rate", fmt.Sprintf("must be 1 to %d bytes a second", core.MaxBatchBytes))
	}
	return nil
}

// shares are what an organization may have that has no bounds of its own.
func (c Config) shares() core.Shares {
	return core.Shares{
		Streams: c.ShareStreams, Groups: c.ShareGroups, Keys: c.ShareKeys, Users: c.ShareUsers, Sources: c.ShareSources,
		Quarantine: c.ShareQuarantine, Replays: c.ShareReplays, Evaluations: c.ShareEvaluations,
	}
}

// secrets are the present one and, where there is one, the one before.
func (c Config) secrets() [][]byte {
	all := [][]byte{[]byte(c.Secret)}
	if c.SecretPrevious != "" {
		all = append(all, []byte(c.SecretPrevious))
	}
	return all
}

// links returns what links to the server begin with: the public URL, which
// validate has checked, without a slash at its end.
func (c Config) links() string {
	if u, err := url.Parse(c.PublicURL); err == nil && u.Host != "" {
		return u.Scheme + "://" + u.Host
	}
	return ""
}

// validatePublicURL takes what a path can be appended to. 'eventflow dev' has no
// public URL but the address that it listens on.
func (c Config) validatePublicURL() error {
	if c.PublicURL == "" {
		return nil
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return errors.New("must be a URL like https://events.example.com")
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(c.PublicURL, "#") || strings.Trim(u.Path, "/") != "" {
		return errors.New("must be a scheme, a host and perhaps a port, like https://events.example.com:8443, and nothing else")
	}
	if port := u.Port(); port != "" {
		if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
			return fmt.Errorf("has the invalid port %q; it must be 1 to 65535", port)
		}
	}
	return nil
}

// validateSecret is apart because the commands that need no secret start
// without one.
func (c Config) validateSecret() error {
	if c.Secret == "" {
		return wrong("secret", "is not set. Generate one with 'eventflow secret' and give the same one to every node, preferably through EVENTFLOW_SECRET_FILE")
	}
	if len(c.Secret) < identity.MinSecretBytes || strings.Count(c.Secret, c.Secret[:1]) == len(c.Secret) {
		return wrong("secret", fmt.Sprintf("is too weak: at least %d random characters are required. Generate one with 'eventflow secret'", identity.MinSecretBytes))
	}
	if trimmed := strings.Trim(strings.TrimSpace(c.Secret), "\ufeff"); trimmed != c.Secret {
		return wrong("secret", "begins or ends with white space or a byte order mark, which gets lost when it is copied. Take it away, and set secret-previous to the text with it until all keys are rotated")
	}
	return nil
}

// settingError says what is wrong with settings.
type settingError struct {
	names  []string
	reason string
}

// Error implements error.
func (e *settingError) Error() string {
	noun := "setting"
	if len(e.names) > 1 {
		noun = "settings"
	}
	return noun + " " + strings.Join(e.names, " and ") + " " + e.reason
}

// wrong names a setting, or two that go together ("one and two"), and what is
// wrong with it.
func wrong(setting, reason string) error {
	return usageError{&settingError{strings.Split(setting, " and "), reason}}
}

// defaultFolder is the data folder where the settings name none.
const defaultFolder = "./eventflow_data"

func storeURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		return nil, errors.New("must be a URL such as sqlite:./eventflow_data or postgres://user@host/database")
	}
	switch u.Scheme {
	case "sqlite":
		_, err = sqlitefile.Folder(u)
	case shardedScheme:
		_, err = shardURLs(u)
	}
	return u, err
}

// catalogURL is where the catalog lives: beside the events where the store is
// one that the catalog knows too, else in a SQLite file in the data folder.
func (c Config) catalogURL() (*url.URL, error) {
	u, err := storeURL(cmp.Or(c.Catalog, c.Store))
	if err == nil && c.Catalog == "" {
		var all []*url.URL
		if all, err = shardURLs(u); err == nil {
			u = all[0]
		}
	}
	if err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "sqlite", "postgres", "postgresql":
		return u, nil
	}
	if c.Catalog == "" && u.Scheme == "nats" {
		return nil, errors.New("must be set where events are kept in nats: the URL of the database that keeps streams and keys, postgres://… for several nodes")
	}
	if c.Catalog != "" {
		return nil, fmt.Errorf("has the scheme %q; a catalog can be kept in sqlite or postgres", u.Scheme)
	}
	return storeURL("sqlite:" + defaultFolder)
}

// trustedProxies are the networks whose word about a client's address counts.
func (c Config) trustedProxies() (networks []netip.Prefix, err error) {
	for text := range strings.SplitSeq(c.TrustedProxies, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("must be networks like 10.0.0.0/8, separated by commas; %q is not one", text)
		}
		networks = append(networks, network)
	}
	return networks, nil
}

// firstStore is the URL of the store, or of its first shard.
func (c Config) firstStore() string {
	u, err := storeURL(c.Store)
	if err != nil {
		return ""
	}
	all, err := shardURLs(u)
	if err != nil {
		return ""
	}
	return all[0].String()
}

// lanes is the number of commit lanes that suits the store.
func (c Config) lanes() int {
	switch {
	case c.CommitLanes > 0:
		return c.CommitLanes
	case strings.HasPrefix(c.firstStore(), "postgres"):
		return 2
	}
	return 1
}
