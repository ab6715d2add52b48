// Package chaos kills servers and databases under load and checks that no
// promise was broken: what was acknowledged is in the log exactly once, byte
// for byte, offsets have no gap, and whoever followed the log missed nothing.
//
// The tests run real processes. The record of what producers and followers saw
// is written outside of them; package history compares it with the log.
package chaos
