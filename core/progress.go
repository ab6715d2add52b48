package core

// Progress is how far a group got, as a store keeps it.
type Progress struct {
	// Revision counts the changes, from 1.
	Revision int64
	// State is a JSON document that only core reads.
	State []byte
}

// GroupRecord is all that a store holds of a group. Of the dead letters it has the
// number only.
type GroupRecord struct {
	Group       Group
	Progress    Progress
	DeadLetters int64
}

// Step is one change of a group's progress, with what belongs to it. A store
// makes all of it or nothing.
type Step struct {
	// Progress replaces the stored one, whose Revision is one less.
	Progress
	// Attempts are failed attempts to be remembered.
	Attempts []Attempt
	// Letters are dead letters to be stored; one whose ID is stored already is
	// replaced.
	Letters []DeadLetter
	// Remove are the ids of dead letters to be removed; unknown ones do not
	// matter.
	Remove []ID
}
