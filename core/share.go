package core

import (
	"cmp"
	"fmt"
	"time"
)

// Share names something of the installation of which each organization may take a
// part. The set is closed and small: it labels metrics.
type Share string

// The shares.
const (
	// ShareUploads is the memory for the bodies of requests, in bytes, on each node.
	ShareUploads Share = "uploads"
	// ShareLasting is the connections of requests that last, on each node: live tails,
	// polls that wait, and exports.
	ShareLasting Share = "lasting"
	// ShareReplays is the replays of dead letters that run.
	ShareReplays Share = "replays"
	// ShareStreams, ShareGroups, ShareKeys, ShareUsers and ShareSources are what there is of each.
	ShareStreams Share = "streams"
	ShareGroups  Share = "groups"
	ShareKeys    Share = "keys"
	ShareUsers   Share = "users"
	// ShareQuarantine is the events that wait in quarantine.
	ShareQuarantine Share = "quarantine"
	ShareSources    Share = "sources"
	// ShareEvaluations is the CPU for what an organization's schemas make the server
	// do, in thousandths of a core, on each node.
	ShareEvaluations Share = "evaluations"
)

// AllShares lists the shares as people are shown them.
var AllShares = []Share{
	ShareStreams, ShareGroups, ShareKeys, ShareUsers, ShareSources, ShareQuarantine, ShareReplays, ShareEvaluations, ShareLasting, ShareUploads,
}

// Shares is a number for each share: what an organization may take, or what it has
// taken. Where it bounds, zero leaves the more general bound in place. The bounds of
// uploads and lasting requests come on top of what others leave free. Evaluations that
// nobody has bounded have a quarter of a node's cores.
type Shares struct {
	Streams int64 `json:"streams,omitempty"`
	Groups  int64 `json:"groups,omitempty"`
	Keys    int64 `json:"keys,omitempty"`
	Users   int64 `json:"users,omitempty"`
	Sources int64 `json:"sources,omitempty"`
	// Quarantine is events.
	Quarantine int64 `json:"quarantine,omitempty"`
	Replays    int64 `json:"replays,omitempty"`
	// Evaluations is in thousandths of a core.
	Evaluations int64 `json:"evaluations,omitempty"`
	Lasting     int64 `json:"lasting,omitempty"`
	Uploads     int64 `json:"uploads,omitempty"`
}

// At returns the number of one share. It is nil for none that there is.
func (s *Shares) At(share Share) *int64 {
	switch share {
	case ShareStreams:
		return &s.Streams
	case ShareGroups:
		return &s.Groups
	case ShareKeys:
		return &s.Keys
	case ShareUsers:
		return &s.Users
	case ShareQuarantine:
		return &s.Quarantine
	case ShareSources:
		return &s.Sources
	case ShareReplays:
		return &s.Replays
	case ShareEvaluations:
		return &s.Evaluations
	case ShareLasting:
		return &s.Lasting
	case ShareUploads:
		return &s.Uploads
	}
	return nil
}

// Or returns the bounds, with those of general in the place of zeros.
func (s Shares) Or(general Shares) Shares {
	for _, share := range AllShares {
		*s.At(share) = cmp.Or(*s.At(share), *general.At(share))
	}
	return s
}

// DefaultShares bounds organizations that nobody has set anything for. Hardly anybody
// notices: they keep one organization from taking what all need.
var DefaultShares = Shares{Streams: 10_000, Groups: 10_000, Keys: 10_000, Users: 10_000, Sources: 1000, Quarantine: 10_000, Replays: 20}

// MaxShare is the greatest bound of a share.
const MaxShare = 1 << 40

// Check refuses numbers that bound nothing.
func (s Shares) Check() error {
	for _, share := range AllShares {
		if n := *s.At(share); n < 0 || n > MaxShare {
			return Invalid(string(share), "must be 1 to %d, or 0 for the general bound", MaxShare)
		}
	}
	return nil
}

// Usage is what an organization has taken of each share, and what it may take.
type Usage struct {
	Used    Shares `json:"used"`
	Allowed Shares `json:"allowed"`
}

// ShareLoad is how much of something that organizations share a node has, how much of it
// is taken, and how often somebody got none.
type ShareLoad struct {
	Share                 Share
	Limit, Taken, Refused int64
}

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

// ShareFull refuses one more of what somebody has to remove before there is room. To come
// again later would not help.
func ShareFull(share Share, allowed int64) *Error {
	reason := fmt.Sprintf("this organization may have %d and has them", allowed)
	return &Error{
		Code:    CodeConflict,
		Message: fmt.Sprintf("%s: %s; remove some, or ask whoever operates the installation for more", share, reason),
		Details: []Detail{{Field: string(share), Reason: reason}},
	}
}
