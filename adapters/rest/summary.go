package rest

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// SummaryPath is the address of the organization in numbers.
const SummaryPath = Prefix + "/summary"

// Summary returns the organization in numbers. While a shard is away that is an error.
func (c *Client) Summary(ctx context.Context) (sum core.Summary, err error) {
	err = c.get(ctx, SummaryPath, &sum)
	return sum, err
}

// PartialSummary is [Client.Summary], and while a shard is away it returns what is known, and
// what is missing.
func (c *Client) PartialSummary(ctx context.Context) (sum core.Summary, err error) {
	err = c.get(ctx, SummaryPath+"?"+PartialParameter+"=true", &sum)
	return sum, err
}
