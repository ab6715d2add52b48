package history_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/app/proof/chaos/history"
)

func TestSummaryCountsEveryOutcome(t *testing.T) {
	t.Parallel()
	h := traffic(t).load()
	require.Equal(t, history.Counts{
		Calls: 11, Acked: 9, Duplicates: 1, Refused: 2, Unknown: 7, Followers: 2, Seen: 12,
	}, history.Summary(h))
	require.Equal(t, "11 calls: 9 events acknowledged (1 duplicates), 2 refused, 7 unknown; 2 followers saw 12 events",
		history.Summary(h).String())
}

func TestRecorderKeepsConcurrentRecordsWhole(t *testing.T) {
	t.Parallel()
	const producers, calls = 8, 100
	var file bytes.Buffer
	rec := history.NewRecorder(&file)
	var running sync.WaitGroup
	for producer := range producers {
		running.Go(func() {
			for i := range calls {
				marker := fmt.Sprintf("%d/%d;", producer, i)
				op := rec.Invoke(history.Call{Producer: producer, Stream: orders, Events: []history.Sent{{Marker: marker, Payload: marker}}})
				rec.Observed(producer, orders, []history.Seen{{Offset: int64(i), ID: "id"}})
				op.Refused()
			}
		})
	}
	running.Wait()
	require.NoError(t, rec.Err())
	h, err := history.Load(&file)
	require.NoError(t, err)
	require.Equal(t, history.Counts{
		Calls: producers * calls, Refused: producers * calls, Followers: producers, Seen: producers * calls,
	}, history.Summary(h))
}

func TestRecorderRemembersMisuse(t *testing.T) {
	t.Parallel()
	call := history.Call{Stream: orders, Events: []history.Sent{{Marker: "m", Payload: "m"}}}
	for name, misuse := range map[string]func(*history.Op){
		"answered twice":         func(op *history.Op) { op.Refused(); op.Unknown() },
		"1 events and 0 receipt": func(op *history.Op) { op.Acked(nil) },
	} {
		rec := history.NewRecorder(&bytes.Buffer{})
		op := rec.Invoke(call)
		require.NoError(t, rec.Err())
		misuse(op)
		require.ErrorContains(t, rec.Err(), name)
	}
}

type fullDisk struct{}

var errFull = errors.New("disk full")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestRecorderRemembersFailedWrites(t *testing.T) {
	t.Parallel()
	rec := history.NewRecorder(fullDisk{})
	rec.Observed(0, orders, []history.Seen{{ID: "id"}})
	require.ErrorIs(t, rec.Err(), errFull)
}

func TestLoadRefusesFaultyRecords(t *testing.T) {
	t.Parallel()
	// The payloads are "m", "n" and "mn" in base64.
	const call = `{"record":"call","op":1,"stream":"s","events":[{"marker":"m","payload":"bQ=="}]}` + "\n"
	for name, c := range map[string]struct{ file, want string }{
		"torn line":                {call[:40], "record 1: unexpected EOF"},
		"unknown record":           {`{"record":"x"}`, `record 1: unknown record "x"`},
		"call made twice":          {call + call, "record 2: call 1 was made twice"},
		"answer without a call":    {`{"record":"refused","op":7}`, "call 7 was not made"},
		"second answer":            {call + `{"record":"refused","op":1}{"record":"unknown","op":1}`, "record 3: call 1 was not made, or answered before"},
		"too few receipts":         {call + `{"record":"acked","op":1}`, "call 1 has 1 events and 0 receipts"},
		"marker not in payload":    {strings.Replace(call, "bQ==", "bg==", 1), `marker "m" is not in its payload`},
		"no marker":                {strings.Replace(call, `"m"`, `""`, 1), `marker "" is not in its payload`},
		"marker with two payloads": {call + `{"record":"call","op":2,"stream":"s","events":[{"marker":"m","payload":"bW4="}]}`, `marker "m" was sent with two`},
		"marker with two keys":     {call + `{"record":"call","op":2,"stream":"s","events":[{"marker":"m","key":"k","payload":"bQ=="}]}`, `marker "m" was sent with two`},
		"marker on two streams":    {call + `{"record":"call","op":2,"stream":"t","events":[{"marker":"m","payload":"bQ=="}]}`, `marker "m" was sent with two`},
		"two markers, one payload": {`{"record":"call","op":2,"stream":"s","events":[{"marker":"m","payload":"bW4="},{"marker":"n","payload":"bW4="}]}`, `markers "m" and "n" have the same payload`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := history.Load(strings.NewReader(c.file))
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestCheckLeavesTheHistoryAsItIs(t *testing.T) {
	t.Parallel()
	s := traffic(t)
	s.send(0, orders, s.event(""))
	s.logs[orders][10].Payload = s.logs[orders][3].Payload
	h := s.load()
	first := history.Check(h, s.logs)
	require.Equal(t, first, history.Check(h, s.logs))
	require.Len(t, history.Check(h, s.logs), 1)
}
