package app

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// progress tells how far long work got, every few seconds.
type progress struct {
	out io.Writer
	// verb is what is done, in the past: "copied".
	verb        string
	done, total int64
	began, told time.Time
}

// progressEvery is how often it says something.
const progressEvery = 5 * time.Second

// startProgress begins work on so many events.
func startProgress(out io.Writer, verb string, total int64) *progress {
	now := time.Now()
	return &progress{out: out, verb: verb, total: total, began: now, told: now}
}

// add notes that more events are done.
func (p *progress) add(events int) {
	p.done += int64(events)
	now := time.Now()
	if now.Sub(p.told) < progressEvery {
		return
	}
	p.told = now
	rate := float64(p.done) / now.Sub(p.began).Seconds()
	left := time.Duration(float64(p.total-p.done) / rate * float64(time.Second))
	fmt.Fprintf(p.out, "eventflow: %s %s of %s events, %s a second, about %s left\n", p.verb, grouped(p.done), grouped(p.total), grouped(int64(rate)),
		max(left, 0).Round(time.Second))
}

// grouped writes a number with a comma before every three digits.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// counted writes a number with its noun.
func counted(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(n) + " " + noun + "s"
}
