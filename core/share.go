package core

import (
	"fmt"
	"time"
)

// Share names something of the installation of which each organization may take a
// part. The set is closed and small: it labels metrics.
type Share string

// The shares.
const (
	// ShareUploads is the memory for the bodies of requests, in bytes.
	ShareUploads Share = "uploads"
	// ShareLasting is the connections of requests that last: live tails, polls that
	// wait, and exports.
	ShareLasting Share = "lasting"
	// ShareReplays is the replays of dead letters that run.
	ShareReplays Share = "replays"
	// ShareEvaluations is the CPU for what an organization's schemas make the server
	// do.
	ShareEvaluations Share = "evaluations"
)

// MaxReplays is how many replays of an organization may run at once.
const MaxReplays = 20

// ShareUsed refuses what would exceed a share, of an organization or of one key of it.
// The share frees itself, so the client may come again.
func ShareUsed(share Share, holder string, retryAfter time.Duration) *Error {
	reason := fmt.Sprintf("the share of this %s is used up", holder)
	return &Error{
		Code: CodeRateLimited, RetryAfter: retryAfter,
		Message: fmt.Sprintf("%s: %s; others need the rest. Wait until some of it is free", share, reason),
		Details: []Detail{{Field: string(share), Reason: reason}},
	}
}
