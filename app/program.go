package app

// Option adds something to the program that Main runs.
type Option func(*program)

// program is what the options build: the parts that differ between binaries.
type program struct {
	storages map[string]OpenStorage
	// shared are the schemes of those that several processes may have open.
	shared map[string]bool
}

func newProgram(options []Option) *program {
	p := &program{storages: map[string]OpenStorage{}, shared: map[string]bool{}}
	p.storages[shardedScheme], p.shared[shardedScheme] = p.openSharded, true
	for _, option := range options {
		option(p)
	}
	return p
}
