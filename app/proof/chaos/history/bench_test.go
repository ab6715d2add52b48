package history_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/app/proof/chaos/history"
)

// long is a history of one-event calls and a follower, every tenth event
// retried with its key.
func long(tb testing.TB, events int) *server {
	s := newServer(tb)
	padding := strings.Repeat("x", 250)
	var page []history.Seen
	for i := range events {
		e := s.event("")
		e.Payload = fmt.Sprintf(`{"marker": "%s", "padding": "%s"}`, e.Marker, padding)
		if i%10 == 0 {
			e.Key = e.Marker
			s.invoke(i%64, orders, e).Unknown()
		}
		op := s.invoke(i%64, orders, e)
		r := s.append(orders, e)
		op.Acked([]history.Receipt{r})
		if page = append(page, history.Seen{Offset: r.Offset, ID: r.ID}); len(page) == 1000 {
			s.rec.Observed(0, orders, page)
			page = page[:0]
		}
	}
	return s
}

func BenchmarkLoad(b *testing.B) {
	const events = 1_000_000
	file := long(b, events).file.Bytes()
	b.ResetTimer()
	for b.Loop() {
		_, err := history.Load(bytes.NewReader(file))
		require.NoError(b, err)
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/million")
}

func BenchmarkCheck(b *testing.B) {
	for name, alter := range map[string]func(string) string{
		"clean":      strings.Clone,
		"allAltered": func(payload string) string { return strings.ReplaceAll(payload, " ", "") },
	} {
		b.Run(name, func(b *testing.B) {
			const events = 1_000_000
			s := long(b, events)
			for i, e := range s.logs[orders] {
				s.logs[orders][i].Payload = alter(e.Payload)
			}
			h := s.load()
			b.ResetTimer()
			for b.Loop() {
				history.Check(h, s.logs)
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/million")
		})
	}
}
