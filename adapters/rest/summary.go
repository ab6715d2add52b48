package rest

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// SummaryPath is the address of the organization in numbers.
const SummaryPath = Prefix + "/summary"

// Summary returns the organization in numbers.
func (c *Client) Summary(ctx context.Context) (sum core.Summary, err error) {
	err = c.get(ctx, SummaryPath, &sum)
	return sum, err
}
