// Package eventjson is the one strict parser that decides what an event is. What it
// takes, every store keeps byte for byte; nothing is parsed and written again on the
// way.
//
// The files, in reading order:
//
//   - json.go: the scanner, which holds JSON to what all stores read alike;
//   - json_text.go: the strings among it, and their escapes;
//   - json_keys.go: the keys of an object, so that one given twice is found;
//   - json_walk.go: walking JSON that is known to be valid, and finding the ends of
//     values that are not;
//   - json_path.go: the value at a path, and whether it is the one that is asked for;
//   - json_number.go: whether two texts are the same number;
//   - ordering.go: the value that orders an event among others;
//   - json_members.go: the members of an object and the elements of an array, for
//     other formats such as CloudEvents;
//   - decode.go: one event;
//   - decode_batch.go: many events, as an array or as lines;
//   - decode_hints.go: what the headers of a request add to its event;
//   - draft.go: an event that came in another format;
//   - encode.go: a stored event as the API shows it.
package eventjson
