package app

// Option adds something to the program that Main runs.
type Option func(*program)

// program is what the options build: the parts that differ between binaries.
type program struct {
	storages map[string]OpenStorage
	// shared are the schemes of those that several processes may have open.
	shared map[string]bool
	// destinations are those that the stock program does not have, by their types.
	destinations map[string]NewConnector
	// inits make what a store needs before its first use.
	inits map[string]InitStorage
}

func newProgram(options []Option) *program {
	p := &program{storages: map[string]OpenStorage{}, shared: map[string]bool{}, destinations: map[string]NewConnector{}, inits: map[string]InitStorage{}}
	p.storages[shardedScheme], p.shared[shardedScheme] = p.openSharded, true
	for _, option := range options {
		option(p)
	}
	return p
}
