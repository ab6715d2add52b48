package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// benchStream is what is written to where no other stream is named.
const benchStream = "bench"

func benchCommand() *cobra.Command {
	b := bench{}
	var output string
	command := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast a running server stores events; writes events",
		Long: "Send events to a running server for some seconds, and say how many it stored and how long its answers took. It is the server that 'eventflow dev' has started last, " +
			"or that of EVENTFLOW_URL and EVENTFLOW_KEY. The events are written for good: they stay in their stream until its retention removes them. " +
			"Without --stream they go to the stream bench, which is made if it is missing and keeps events for a day.",
		Example: "  eventflow bench --duration 30s --connections 16\n  EVENTFLOW_URL=https://events.example.com EVENTFLOW_KEY=ef_live_… eventflow bench --stream trial --batch 100",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := errors.Join(checkOutput(output, "text"), b.check()); err != nil {
				return err
			}
			c, err := loadContext()
			if err != nil {
				return err
			}
			b.client = rest.NewClient(c.URL, c.Key)
			if err := b.prepare(cmd.Context(), !cmd.Flags().Changed("stream")); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "Writing events of %s to the stream %s of %s for %s, %s a request, over %s.\nThey stay until the stream's retention removes them.\n\n",
				byteText(int64(b.size)), b.stream, c.URL, b.duration, counted(int64(b.batch), "event"), counted(int64(b.connections), "connection"))
			return b.run(cmd.Context()).print(cmd.OutOrStdout(), output)
		},
	}
	flags := command.Flags()
	flags.StringVar(&b.stream, "stream", benchStream, "the `name` of the stream to write to")
	flags.DurationVar(&b.duration, "duration", 10*time.Second, "how long to send, 10m at most")
	flags.IntVar(&b.connections, "connections", 4, "how many requests to send at once, 256 at most")
	flags.IntVar(&b.batch, "batch", 1, "how many events to send in a request")
	flags.IntVar(&b.size, "size", 256, "bytes of each event's payload")
	flags.StringVarP(&output, "output", "o", "text", "text or json")
	return command
}

// What a measurement may take of a server.
const (
	maxBenchDuration    = 10 * time.Minute
	maxBenchConnections = 256
	minBenchSize        = len(`{"filling":""}`)
)

func (b *bench) check() error {
	for _, bound := range []struct {
		flag        string
		value       int
		least, most int
	}{
		{"--connections", b.connections, 1, maxBenchConnections},
		{"--batch", b.batch, 1, core.MaxBatchEvents},
		{"--size", b.size, minBenchSize, core.MaxEventBytes},
		{"--batch times --size", b.batch * b.size, 0, core.MaxBatchBytes / 2},
	} {
		if bound.value < bound.least || bound.value > bound.most {
			return usageError{fmt.Errorf("%s must be %d to %d", bound.flag, bound.least, bound.most)}
		}
	}
	if b.duration <= 0 || b.duration > maxBenchDuration {
		return usageError{fmt.Errorf("--duration must be more than 0s and %s at most", maxBenchDuration)}
	}
	return nil
}

// prepare sees whether there is a server and a stream, and makes the stream where it may.
func (b *bench) prepare(ctx context.Context, makes bool) error {
	// As many connections stay open as are used at once.
	if transport, ok := http.DefaultTransport.(*http.Transport); ok {
		transport.MaxIdleConnsPerHost = b.connections
	}
	if err := b.client.Ready(ctx); err != nil {
		return unreachableError{fmt.Errorf("the server does not answer: %w; start one with 'eventflow dev'", err)}
	}
	if !makes {
		return nil // the first event says whether it is there, to keys that may only write
	}
	aDay := 1
	_, err := b.client.CreateStream(ctx, core.StreamSpec{Name: b.stream, Description: "Written by 'eventflow bench'.", RetentionDays: &aDay})
	switch core.CodeOf(err) {
	case core.CodeConflict: // an earlier measurement has made it
		return nil
	case core.CodeForbidden:
		return fmt.Errorf("the key may not make the stream %s: name one that it may write to by --stream: %w", b.stream, err)
	}
	return err
}

// print says what was measured.
func (m measured) print(out io.Writer, output string) error {
	if output == "json" {
		if err := json.NewEncoder(out).Encode(m); err != nil {
			return err
		}
	} else {
		m.say(out)
	}
	if m.Events == 0 {
		return errors.New("no event was stored")
	}
	return nil
}

func (m measured) say(out io.Writer) {
	fmt.Fprintf(out, "  stored    %s in %.1fs: %.0f a second\n", counted(m.Events, "event"), m.Seconds, m.PerSecond)
	if m.Requests > 0 {
		fmt.Fprintf(out, "  answered  %s: half of them within %s, 95 of 100 within %s, 99 of 100 within %s, all within %s\n",
			counted(m.Requests, "request"), millis(m.P50), millis(m.P95), millis(m.P99), millis(m.Max))
	}
	for _, code := range slices.Sorted(maps.Keys(m.Errors)) {
		fmt.Fprintf(out, "  failed    %s: %s\n", counted(m.Errors[code], "request"), strings.TrimSpace(code+" "+meanings[code]))
	}
}

// meanings are what a failure says about the figures.
var meanings = map[string]string{
	string(core.CodeRateLimited): "(the key's rate limit is what was measured: use a key with a higher one, from 'eventflow key create --rate', or more events in a request, by --batch)",
	string(core.CodeUnavailable): "(the server had as much to do as it takes: this is its limit with these settings)",
	noAnswer:                     "(the connection broke or was refused)",
}

func millis(ms float64) string {
	return time.Duration(ms * float64(time.Millisecond)).Round(100 * time.Microsecond).String()
}
