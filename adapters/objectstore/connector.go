// Package objectstore writes events to object storage that speaks the S3 API, in files
// that DuckDB, Spark and pandas read.
//
// The files lie in folders by stream and by the hour in which the events were received:
//
//	<prefix>/stream=orders/date=2026-03-01/hour=12/
//	    00000000000000000000-00000000000000000999-5891b5b522d5df08.ndjson.gz
//
// A file's name has the offsets of its first and last event, and the beginning of the
// SHA-256 of what is in it. So the same events have the same name: a batch that is
// repeated after a crash replaces the file with itself. A file is never replaced by one
// that holds anything else, because that would have another name. The store makes a
// file visible when all of it has arrived.
//
// Events that are sent again in other batches are in two files. A reader who cares
// takes one event of each stream_id and offset.
//
// The files, in reading order:
//
//   - connector.go: the settings;
//   - sink.go: a batch, split by hours and written;
//   - name.go: what a file is named;
//   - lines.go: files of lines of JSON;
//   - parquet.go: files in the format Parquet.
package objectstore

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/eventflow-go/eventflow/adapters/destination"
	"github.com/eventflow-go/eventflow/core"
)

// Type is the type of the destination.
const Type = "objectstore"

// Options are what a connector needs.
type Options struct {
	// Dial connects to the endpoints that organizations name.
	Dial destination.Dial
	// Judge refuses addresses in settings.
	Judge destination.Judge
}

// New returns the connector of the type [Type].
func New(o Options) core.Connector { return connector(o) }

type connector Options

// settings are what people say about such a destination.
type settings struct {
	Endpoint string `json:"endpoint" destination:"place"`
	Region   string `json:"region,omitempty"`
	Bucket   string `json:"bucket"`
	Prefix   string `json:"prefix,omitempty"`
	// PathStyle has the bucket in the path rather than in the host's name. Without it,
	// that is the endpoint's custom: Amazon and Google have it in the name.
	PathStyle *bool  `json:"path_style,omitempty"`
	AccessKey string `json:"access_key"`
	SecretKey string `json:"secret_key" destination:"secret"`
	Format    string `json:"format"`
	// A batch is written when it has so many events or bytes, or is so old.
	BatchEvents int          `json:"batch_events"`
	BatchBytes  int          `json:"batch_bytes"`
	Linger      core.Seconds `json:"linger"`
}

// The bounds of the settings.
const (
	maxPrefixLength = 512
	maxKeyLength    = 256
	maxBatchEvents  = core.MaxBatchEvents
	minBatchBytes   = 64 << 10
	maxBatchBytes   = 64 << 20
	maxLinger       = 15 * time.Minute
)

func defaults() settings {
	return settings{Format: formatLines, BatchEvents: maxBatchEvents, BatchBytes: 8 << 20, Linger: core.Seconds(time.Minute)}
}

// Check implements [core.Connector].
func (c connector) Check(given json.RawMessage, former core.Destination) (core.Destination, error) {
	s := defaults()
	err := destination.Read(given, Type, &s)
	if err == nil {
		err = s.check(c.Judge)
	}
	if err == nil {
		err = destination.KeepSecrets(former, &s)
	}
	if err == nil {
		err = core.CheckText("secret_key", s.SecretKey, 1, maxKeyLength)
	}
	if err != nil {
		return core.Destination{}, err
	}
	return destination.New(Type, &s)
}

var regionForm = regexp.MustCompile(`^[a-zA-Z0-9-]{0,64}$`)

// check refuses what is wrong, and brings the rest into one form.
func (s *settings) check(judge destination.Judge) (err error) {
	if s.Endpoint, err = judge.URL("endpoint", s.Endpoint); err != nil {
		return err
	}
	if s.Prefix, err = checkPrefix(s.Prefix); err != nil {
		return err
	}
	if err := s3utils.CheckValidBucketNameStrict(s.Bucket); err != nil {
		return core.Invalid("bucket", "%s", strings.ToLower(err.Error()[:1])+err.Error()[1:])
	}
	switch {
	case !regionForm.MatchString(s.Region):
		return core.Invalid("region", "must be the name of a region, like eu-central-1")
	case s.Format != formatLines && s.Format != formatParquet:
		return core.Invalid("format", "must be %q or %q", formatLines, formatParquet)
	case s.BatchEvents < 1 || s.BatchEvents > maxBatchEvents:
		return core.Invalid("batch_events", "must be 1 to %d", maxBatchEvents)
	case s.BatchBytes < minBatchBytes || s.BatchBytes > maxBatchBytes:
		return core.Invalid("batch_bytes", "must be %d to %d", minBatchBytes, maxBatchBytes)
	case s.Linger < 0 || s.Linger.Duration() > maxLinger:
		return core.Invalid("linger", "must be 0 to %d seconds", int(maxLinger.Seconds()))
	}
	return core.CheckText("access_key", s.AccessKey, 1, maxKeyLength)
}

func checkPrefix(text string) (string, error) {
	text = strings.Trim(text, "/")
	if err := core.CheckText("prefix", text, 0, maxPrefixLength); err != nil || text == "" {
		return "", err
	}
	for part := range strings.SplitSeq(text, "/") {
		if part == "" || part == "." || part == ".." {
			return "", core.Invalid("prefix", "must be names of folders with a slash between them, like lake/events")
		}
	}
	return text, nil
}

// Open implements [core.Connector].
func (c connector) Open(_ context.Context, to core.Destination, from core.Origin) (core.Sink, error) {
	s := defaults()
	if err := destination.Load(to, &s); err != nil {
		return nil, err
	}
	scheme, host, _ := strings.Cut(s.Endpoint, "://")
	transport := destination.Transport(c.Dial)
	options := &minio.Options{
		Creds: credentials.NewStaticV4(s.AccessKey, s.SecretKey, ""), Secure: scheme == "https", Transport: transport,
		Region: s.Region, BucketLookup: s.lookup(), MaxRetries: 1, // attempts are the processor's
	}
	options.CustomRegionViaURL = regionOf
	client, err := minio.NewCore(host, options)
	if err != nil {
		return nil, fmt.Errorf("the endpoint %s: %w", s.Endpoint, err)
	}
	return &sink{client: client, transport: transport, settings: s, folder: folderOf(s.Prefix, from.StreamName)}, nil
}

func (s *settings) lookup() minio.BucketLookupType {
	switch {
	case s.PathStyle == nil:
		return minio.BucketLookupAuto
	case *s.PathStyle:
		return minio.BucketLookupPath
	}
	return minio.BucketLookupDNS
}
