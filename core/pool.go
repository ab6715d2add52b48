package core

import "time"

// Pooled is what a [Storage] or a [Catalog] that reaches its engine by a pool of
// connections is, too.
type Pooled interface {
	// Pool says how much of the pool is in use. It asks nobody and returns at once. A
	// storage made of others returns zero where none of them has a pool.
	Pool() PoolLoad
}

// PoolLoad is how much of a pool of connections is in use.
type PoolLoad struct {
	// Limit is how many connections there may be; 0 is any number.
	Limit int64
	// InUse is how many are taken at this moment, Idle how many are open beside them.
	InUse, Idle int64
	// Waits is how often somebody had to wait for a connection, and Waited how long
	// they did together.
	Waits  int64
	Waited time.Duration
}
