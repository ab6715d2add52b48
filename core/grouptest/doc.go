// Package grouptest is the contract of a store of consumer groups in executable form.
// It needs nothing but the standard library, and time is an argument.
//
// [Run] holds a store to the sentences of core's ports, one test for each:
//
//   - grouptest.go: the list of these tests, and their common parts;
//   - groups.go: the tests of groups;
//   - steps.go: the tests of progress, steps and attempts;
//   - letters.go: the tests of dead letters;
//   - replays.go: the tests of replays.
//
// [RunDelivery] holds the delivery on a store and a log to a simple model, through
// random histories:
//
//   - delivery.go: the steps of a history, and the answers that are right;
//   - history.go: its rarer steps, and how it ends;
//   - world.go: the nodes, and the model's belief about each event.
package grouptest
