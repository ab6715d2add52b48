package main

import (
	"fmt"
	"slices"
	"time"
)

// outcome is what a run achieved: how much a second, and how much in all, with the
// beginning that the rate leaves out.
type outcome struct{ rate, events float64 }

// measured is something with a rate; a round measures each of a list once.
type measured struct {
	name string
	run  func() (outcome, error)
	// of is the server at work, whose CPU time for each event is reported under the
	// name in figure. It is nil where none is.
	of     *server
	figure string
	// beside begins what goes on during the run, if it is not nil. What it takes to
	// begin is not measured.
	beside func() (stop func(), err error)
}

// floor is something that no server of ours has a part in.
func floor(name string, rate func() (float64, error)) measured {
	return measured{name: name, run: func() (outcome, error) {
		achieved, err := rate()
		return outcome{rate: achieved}, err
	}}
}

// httpLoad is a load of a server as a measured rate; per is what one request
// counts for.
func (b *bench) httpLoad(name, figure string, s *server, connections, status int, request []byte, per float64) measured {
	one := load{addr: s.addr, connections: connections, request: request, status: status}
	return measured{name: name, of: s, figure: figure, run: func() (outcome, error) {
		achieved, err := b.loaded(name, one, per)
		return outcome{achieved.perSecond * per, float64(achieved.answered) * per}, err
	}}
}

// loaded runs one load for a slice, and tells its rate in what its requests count for.
func (b *bench) loaded(name string, l load, per float64) (result, error) {
	achieved, err := l.run(b.slice)
	if err != nil {
		return result{}, fmt.Errorf("%s: %w", name, err)
	}
	note("%-28s %9.0f/s  p50 %8s  p99 %8s", name, achieved.perSecond*per, achieved.p50.Round(10*time.Microsecond), achieved.p99.Round(10*time.Microsecond))
	return achieved, nil
}

// rounded measures everything in turn, round after round, so that a drift of
// the machine meets all alike, and returns the rates by round.
func (b *bench) rounded(all ...measured) ([][]float64, error) {
	rates, meters := make([][]float64, len(all)), make([]meter, len(all))
	for range b.rounds {
		for i, one := range all {
			got, err := meters[i].run(b, one)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", one.name, err)
			}
			rates[i] = append(rates[i], got.rate)
		}
	}
	for i, one := range all {
		meters[i].report(one)
	}
	return rates, nil
}

// ratio is the median of the rounds' ratios.
func ratio(over, under []float64) float64 {
	ratios := make([]float64, len(over))
	for i := range over {
		ratios[i] = over[i] / under[i]
	}
	return round(median(ratios))
}

// median changes the order of the values.
func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

func round(value float64) float64 { return float64(int(value*1000+0.5)) / 1000 }
