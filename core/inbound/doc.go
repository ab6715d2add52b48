// Package inbound takes in what senders of webhooks send: it knows who signs how, makes an
// event of a request, and keeps apart, with its reason, what it cannot believe or read.
// From systems that send nothing, such as Kafka, it fetches what they hold.
//
// The files, in reading order:
//
//   - sources.go: making, changing and deleting sources;
//   - list.go: reading them, and what they refused;
//   - secrets.go: what is kept encrypted of a source, and made anew when the server's
//     secret changes;
//   - opened.go: from the token in an address to a source ready for use;
//   - receive.go: from a request to durable events;
//   - presets.go: what each sender does in its own way;
//   - proof.go, proofs.go: whether a request is its sender's;
//   - handshake.go: questions that senders ask before they send;
//   - cloudevents.go: CloudEvents from senders who may be anybody;
//   - body.go: a body as a payload, and several;
//   - fields.go: an event's fields, found in a request;
//   - refusals.go: what was kept out;
//   - feeds.go: which feeds this node fetches;
//   - feeding.go: one of them, from messages to durable events.
package inbound
