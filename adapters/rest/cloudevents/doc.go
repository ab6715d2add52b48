// Package cloudevents reads and writes CloudEvents 1.0: it turns the binary, the
// structured and the batched mode of their HTTP binding into core's drafts, and
// a stored event into a CloudEvent in JSON. It knows nothing of the server's
// framework: it imports core, with its parser, and the standard library only.
//
//   - attributes.go: the names of attributes, and the rules for them;
//   - incoming.go: a CloudEvent that comes in attribute by attribute, until it is
//     a draft;
//   - binary.go: attributes in headers, the data in the body;
//   - structured.go: one CloudEvent in JSON;
//   - batched.go: an array of them;
//   - outgoing.go: a stored event on its way out;
//   - outgoing_binary.go: the same, as headers and a body;
//   - context.go: what a stored event's context says of it as a CloudEvent;
//   - media.go: media types;
//   - data.go: base64, and texts in JSON;
//   - uri.go: any text as a URI reference;
//   - errors.go: errors about an event's fields, said of its attributes.
package cloudevents
