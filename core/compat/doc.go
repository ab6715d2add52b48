// Package compat says whether one JSON Schema takes every value that another one
// takes. It proves that from the two documents alone.
//
// One rule holds for all of it: what it calls covered is covered. Where a keyword says
// more than can be compared, such as a pattern or a condition, the answer is that it
// cannot be proved. So a false alarm is possible, and a false promise is not. Two things
// follow from that for the code:
//
//   - of the narrow schema, any keyword may be overlooked: what is left takes more;
//   - of the wide schema, no keyword that a validator heeds may be overlooked.
//
// Files:
//
//   - compat.go: the question and the answer;
//   - prove.go: what the wide schema demands, keyword by keyword;
//   - parts.go: the members and elements of values;
//   - branches.go: anyOf and oneOf, and what no value is in both of;
//   - facts.go: what the narrow schema says about all of its values;
//   - empty.go: whether a schema takes any value at all;
//   - values.go: single values, and whether a schema takes one;
//   - document.go: a schema, its places and its references.
package compat
