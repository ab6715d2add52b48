// Package grouptest is the contract of a store of consumer groups in executable form.
// It needs nothing but the standard library, and time is an argument.
//
// [Run] holds a store to the sentences of core's ports, one test for each:
//
//   - grouptest.go: the list of them, and what they have in common;
//   - groups.go: those about groups;
//   - steps.go: those about progress, steps and attempts;
//   - letters.go: those about dead letters;
//   - replays.go: those about replays.
//
// [RunDelivery] holds the delivery on a store and a log to a simple model, through
// random histories:
//
//   - delivery.go: the steps of a history, and what each must answer;
//   - history.go: its rarer steps, and how it ends;
//   - world.go: the nodes, and what the model believes of each event.
package grouptest
