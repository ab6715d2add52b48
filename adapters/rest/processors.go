package rest

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/eventflow-go/eventflow/core"
)

// ProcessorsPath is the address of the processors of a stream.
func ProcessorsPath(stream string) string { return StreamPath(stream) + "/processors" }

// ProcessorPath is the address of one processor, by id or name.
func ProcessorPath(stream, processor string) string {
	return ProcessorsPath(stream) + "/" + url.PathEscape(processor)
}

// AllProcessorsPath is the address of the processors of all streams.
const AllProcessorsPath = Prefix + "/processors"

// CreateProcessor creates a processor on a stream. The secret of the answer is shown
// this once.
func (c *Client) CreateProcessor(ctx context.Context, stream string, spec core.ProcessorSpec) (created core.CreatedProcessor, err error) {
	fields := map[string]any{"name": spec.Name, "destination": spec.Destination}
	for name, text := range map[string]string{
		"mode": string(spec.Mode), "ordering_key": spec.OrderingKey, "filter": spec.Filter, "transform": spec.Transform, "state": string(spec.State),
	} {
		if text != "" {
			fields[name] = text
		}
	}
	setField(fields, "start", spec.Start)
	setField(fields, "visibility", spec.Visibility)
	setField(fields, "max_attempts", spec.MaxAttempts)
	setField(fields, "backoff", spec.Backoff)
	err = c.post(ctx, ProcessorsPath(stream), fields, &created)
	return created, err
}

// Processors returns the processors of a stream, with how far they got.
func (c *Client) Processors(ctx context.Context, stream string) ([]core.ProcessorOverview, error) {
	var list List[core.ProcessorOverview]
	err := c.get(ctx, ProcessorsPath(stream), &list)
	return list.Items, err
}

// AllProcessors returns a page of the processors of all streams, by id. A limit of 0 is
// the server's default.
func (c *Client) AllProcessors(ctx context.Context, cursor string, limit int) (page List[core.ProcessorOverview], err error) {
	err = c.get(ctx, withQuery(AllProcessorsPath, pageQuery(cursor, limit)), &page)
	return page, err
}

// Processor returns a processor, by id or name, and how far it got.
func (c *Client) Processor(ctx context.Context, stream, processor string) (found core.ProcessorOverview, err error) {
	err = c.get(ctx, ProcessorPath(stream, processor), &found)
	return found, err
}

// ChangeProcessor changes the fields that are set; revision is as for
// [Client.ChangeStream].
func (c *Client) ChangeProcessor(
	ctx context.Context, stream, processor string, change core.ProcessorChange, revision int64,
) (changed core.CreatedProcessor, err error) {
	err = c.patch(ctx, ProcessorPath(stream, processor), revision, change, &changed)
	return changed, err
}

// DeleteProcessor removes a processor with its dead letters.
func (c *Client) DeleteProcessor(ctx context.Context, stream, processor string, revision int64) error {
	return c.delete(ctx, ProcessorPath(stream, processor), revision)
}

// PauseProcessor stops a processor; its events wait.
func (c *Client) PauseProcessor(ctx context.Context, stream, processor string) (p core.Processor, err error) {
	err = c.post(ctx, ProcessorPath(stream, processor)+"/pause", nil, &p)
	return p, err
}

// ResumeProcessor lets a processor work again.
func (c *Client) ResumeProcessor(ctx context.Context, stream, processor string) (p core.Processor, err error) {
	err = c.post(ctx, ProcessorPath(stream, processor)+"/resume", nil, &p)
	return p, err
}

// RotateSecretRequest says how long, in seconds, the secret before stays good.
type RotateSecretRequest struct {
	Grace core.Seconds `json:"grace"`
}

// RotateSecret gives a processor's destination a new secret.
func (c *Client) RotateSecret(ctx context.Context, stream, processor string, grace core.Seconds) (p core.CreatedProcessor, err error) {
	err = c.post(ctx, ProcessorPath(stream, processor)+"/rotate-secret", RotateSecretRequest{Grace: grace}, &p)
	return p, err
}

// TryProcessor shows what a filter and a transform would do to the last events of a
// stream, or to a sample.
func (c *Client) TryProcessor(ctx context.Context, stream string, spec core.TrialSpec) ([]core.Trial, error) {
	var list List[core.Trial]
	err := c.post(ctx, ProcessorsPath(stream)+"/test", trialFields(spec), &list)
	return list.Items, err
}

// trialFields leaves out what a trial does not say.
func trialFields(spec core.TrialSpec) map[string]any {
	fields := map[string]any{"filter": spec.Filter, "transform": spec.Transform, "last": spec.Last}
	if len(spec.Event) > 0 {
		fields["event"] = spec.Event
	}
	return fields
}

// TrialRequest tries a processor as it is, or with another filter or transform.
type TrialRequest struct {
	Filter    *string         `json:"filter"`
	Transform *string         `json:"transform"`
	Last      int             `json:"last"`
	Event     json.RawMessage `json:"event"`
}
