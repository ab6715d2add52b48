package server

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/eventflow-go/eventflow/core"
)

const csvHeader = "event_id,stream_id,offset,event_type,event_version,occurred_at,received_at," +
	"source,subject,payload,context,api_key_id,idempotency_key\r\n"

// appendCSV appends an event as one record, in the CSV of RFC 4180.
func appendCSV(b []byte, event *core.Event) []byte {
	b = append(event.ID.AppendText(b), ',')
	b = append(event.Stream.AppendText(b), ',')
	b = append(strconv.AppendInt(b, int64(event.Offset), 10), ',')
	b = append(appendCell(b, event.Type), ',')
	b = append(strconv.AppendInt(b, int64(event.Version), 10), ',')
	b = append(event.OccurredAt.AppendFormat(b, time.RFC3339Nano), ',')
	b = append(event.ReceivedAt.AppendFormat(b, time.RFC3339Nano), ',')
	b = append(appendCell(b, event.Source), ',')
	b = append(appendCell(b, event.Subject), ',')
	b = append(appendQuoted(b, string(event.Payload)), ',')
	b = append(appendQuoted(b, string(event.Context)), ',')
	if !event.APIKeyID.IsZero() {
		b = event.APIKeyID.AppendText(b)
	}
	b = appendCell(append(b, ','), event.IdempotencyKey)
	return append(b, "\r\n"...)
}

// byteOrderMark tells Excel that a file is UTF-8: without it, Excel takes the
// code page of its machine. Other programs would take it for a part of the first
// column's name, so it comes only when it is asked for.
const byteOrderMark = "\ufeff"

// formulas are the characters by which a cell begins that a spreadsheet takes for
// a formula. In East Asian settings the full-width ones count as well.
const formulas = "=+-@\t\r\n＝＋－＠"

// appendCell appends a text that a producer chose. A text that a spreadsheet
// would take for a formula gets an apostrophe in front.
func appendCell(b []byte, text string) []byte {
	if first, _ := utf8.DecodeRuneInString(text); text != "" && strings.ContainsRune(formulas, first) {
		text = "'" + text
	}
	return appendQuoted(b, text)
}

func appendQuoted(b []byte, text string) []byte {
	if !strings.ContainsAny(text, "\",\r\n") {
		return append(b, text...)
	}
	b = append(b, '"')
	b = append(b, strings.ReplaceAll(text, `"`, `""`)...)
	return append(b, '"')
}
