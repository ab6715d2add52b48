package objectstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/eventflow-go/eventflow/adapters/destination"
	"github.com/eventflow-go/eventflow/core"
)

// sink writes files to one bucket.
type sink struct {
	client    *minio.Core
	transport *http.Transport
	settings  settings
	// folder holds the stream's files. Its name ends with a slash.
	folder string
}

// Send implements [core.Sink]. Events of an hour become one file, and share its result.
// After a file that could not be written, those of later hours are not tried: files of
// one processor appear in the order of their events.
func (s *sink) Send(ctx context.Context, events []core.Outgoing) []core.Sent {
	results := make([]core.Sent, 0, len(events))
	for len(events) > 0 {
		hour := firstHour(events)
		sent := s.write(ctx, hour)
		if sent.Err != nil {
			return append(results, destination.All(len(events), sent)...)
		}
		results = append(results, destination.All(len(hour), sent)...)
		events = events[len(hour):]
	}
	return results
}

// firstHour returns the events at the beginning that were received within one hour.
func firstHour(events []core.Outgoing) []core.Outgoing {
	hour := events[0].Event.ReceivedAt.UTC().Truncate(time.Hour)
	for i := range events {
		if !events[i].Event.ReceivedAt.UTC().Truncate(time.Hour).Equal(hour) {
			return events[:i]
		}
	}
	return events
}

// write makes one file of the events, and returns the result of each of them.
func (s *sink) write(ctx context.Context, events []core.Outgoing) core.Sent {
	lines, err := linesOf(events)
	if err != nil {
		return core.Sent{Err: fmt.Errorf("the events cannot be written as JSON: %w", err), Verdict: core.NeverAgain}
	}
	content, media, err := s.fileOf(events, lines)
	if err != nil {
		return core.Sent{Err: fmt.Errorf("the events cannot be written as %s: %w", s.settings.Format, err), Verdict: core.NeverAgain}
	}
	key := s.folder + nameOf(events, lines, s.settings.Format)
	sum := sha256.Sum256(content)
	// The hash of the whole is signed. Without that option the client would sign in
	// pieces where it has no TLS, in a form that not all stores read.
	_, err = s.client.PutObject(ctx, s.settings.Bucket, key, bytes.NewReader(content), int64(len(content)),
		"", hex.EncodeToString(sum[:]), minio.PutObjectOptions{ContentType: media, DisableContentSha256: true})
	if err != nil {
		return s.failed(err)
	}
	return core.Sent{Status: http.StatusOK, Response: destination.Excerpt("written as " + key)}
}

// fileOf returns the events, which are these lines, as a file in the format that people
// have chosen, and its media type.
func (s *sink) fileOf(events []core.Outgoing, lines []byte) (content []byte, media string, err error) {
	if s.settings.Format == formatParquet {
		content, err = tableOf(events)
		return content, "application/vnd.apache.parquet", err
	}
	content, err = packed(lines)
	return content, "application/gzip", err
}

// failed says what an error of the store means. All of them may be mended by somebody,
// so the events are kept for that.
func (s *sink) failed(err error) core.Sent {
	answer, ok := errors.AsType[minio.ErrorResponse](err)
	if !ok || answer.StatusCode == 0 {
		return core.Sent{Err: fmt.Errorf("the store at %s cannot be reached: %w", s.settings.Endpoint, destination.Plain(err))}
	}
	sent := core.Sent{Status: answer.StatusCode, Response: destination.Excerpt(answer.Code + ": " + answer.Message)}
	switch answer.Code {
	case minio.NoSuchBucket:
		sent.Err = fmt.Errorf("the store has no bucket %q: make it, or name another one", s.settings.Bucket)
	case "InvalidAccessKeyId":
		sent.Err = errors.New("the store does not know the access key")
	case "SignatureDoesNotMatch":
		sent.Err = errors.New("the secret key is not the one that belongs to the access key")
	case minio.AccessDenied:
		sent.Err = fmt.Errorf("the access key may not write to the bucket %q: it needs s3:PutObject on %s*", s.settings.Bucket, s.folder)
	default:
		sent.Err = fmt.Errorf("the store refused the file with status %d, %s: %s", answer.StatusCode, answer.Code, answer.Message)
	}
	return sent
}

// Traits implements [core.Sink].
func (s *sink) Traits() core.SinkTraits {
	return core.SinkTraits{
		Batch: s.settings.BatchEvents, BatchBytes: s.settings.BatchBytes, Linger: s.settings.Linger.Duration(), Parallel: 2,
	}
}

// Close implements [core.Sink].
func (s *sink) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}
