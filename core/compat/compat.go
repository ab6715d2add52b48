package compat

import (
	"fmt"
	"strings"
)

// Fault is a reason why the wide schema may refuse a value that the narrow one takes.
type Fault struct {
	// Wide and Narrow are places in the two documents, as JSON pointers behind the word
	// `schema`.
	Wide, Narrow string
	// Demand is what the wide schema demands there, such as `minLength 3`.
	Demand string
	// Unproved says that the demand may well be met, and that this cannot be told from
	// the documents.
	Unproved bool
}

const (
	// maxFaults bounds how many faults are told.
	maxFaults = 20
	// maxSteps bounds the work of one proof, in schemas that are compared.
	maxSteps = 5_000
	// deepestProof bounds how deep proofs are nested, and with it the stack.
	deepestProof = 200
)

// Covers looks whether every value that the narrow schema takes is taken by the wide one,
// too. Without a fault it is. Both documents must have been compiled before: Covers does
// not look whether they are schemas. It takes a bounded time whatever they are.
func Covers(wide, narrow []byte) []Fault {
	w, n := newDocument(wide), newDocument(narrow)
	if w.root != nil && n.root != nil && equal(w.root, n.root) {
		return nil
	}
	for _, document := range []*document{w, n} {
		if document.strange != "" {
			return []Fault{{Wide: place(""), Narrow: place(""), Demand: document.strange, Unproved: true}}
		}
	}
	p := &prover{steps: maxSteps, proving: map[string]int{}}
	faults := p.prove([]part{n.part()}, w.part())
	return faults[:min(len(faults), maxFaults)]
}

// prover is one proof on its way.
type prover struct {
	steps int
	// nested is how deep proofs are nested at the moment.
	nested int
	// depth is how far the proof went into the value: 1 within a member of it.
	depth int
	// proving holds the goals that are being proved, with their depth. One that comes up
	// again further inside a value holds if the proof around it does: values end
	// somewhere.
	proving map[string]int
}

// goal names what is to be proved.
func goal(narrow []part, wide part) string {
	var b strings.Builder
	for _, n := range narrow {
		fmt.Fprintf(&b, "%p%s\x00", n.doc, n.at)
	}
	fmt.Fprintf(&b, "\x01%p%s", wide.doc, wide.at)
	return b.String()
}

// prove returns why the wide schema may refuse a value that all the narrow ones take.
func (p *prover) prove(narrow []part, wide part) []Fault {
	if p.steps--; p.steps < 0 || p.nested >= deepestProof {
		return []Fault{fault(narrow, wide, "", "a schema that is too complex to be compared", true)}
	}
	p.nested++
	defer func() { p.nested-- }()
	if takes, is := wide.schema.(bool); is && takes {
		return nil
	}
	name := goal(narrow, wide)
	if before, again := p.proving[name]; again {
		if p.depth > before {
			return nil
		}
		return []Fault{fault(narrow, wide, "", "a schema that refers to itself", true)}
	}
	p.proving[name] = p.depth
	defer delete(p.proving, name)

	all := conjuncts(narrow)
	if p.impossible(all, 0) {
		return nil
	}
	if _, is := wide.schema.(bool); is {
		return []Fault{fault(narrow, wide, "", "that there is nothing here", false)}
	}
	for _, n := range all {
		if pure(wide.schema) && equal(n.schema, wide.schema) && sameDraft(n, wide) {
			return nil
		}
	}
	if done, faults := p.eachValue(all, wide); done {
		return faults
	}
	faults := p.demands(all, wide)
	if len(faults) == 0 {
		return nil
	}
	return p.split(all, wide, faults)
}

// fault is about a keyword of the wide schema, or about all of it.
func fault(narrow []part, wide part, keyword, demand string, unproved bool) Fault {
	f := Fault{Wide: place(wide.at), Narrow: place(""), Demand: demand, Unproved: unproved}
	if keyword != "" {
		f.Wide = place(wide.at + "/" + keyword)
	}
	if len(narrow) > 0 {
		f.Narrow = place(narrow[0].at)
	}
	return f
}
