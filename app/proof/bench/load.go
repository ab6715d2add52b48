package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// load is a number of connections that send one request after another.
type load struct {
	addr        string
	connections int
	request     []byte
	status      int
	// patient: another answer, or none, counts nothing, and the load goes on.
	patient bool
	// rest is how long a patient load waits then, a millisecond at least.
	rest time.Duration
}

// result is what a load achieved. answered are all requests, those of the beginning
// as well, which the others leave out.
type result struct {
	perSecond float64
	p50, p99  time.Duration
	answered  int
}

// httpRequest builds a request, ready for the wire.
func httpRequest(method, path, key, contentType string, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: bench\r\n", method, path)
	if key != "" {
		fmt.Fprintf(&b, "X-API-Key: %s\r\n", key)
	}
	if body != nil {
		fmt.Fprintf(&b, "Content-Type: %s\r\nContent-Length: %d\r\n", contentType, len(body))
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

// run sends requests for a while and fails on the first unexpected answer. The
// first fifth of the time is not counted.
func (l load) run(duration time.Duration) (result, error) {
	started := time.Now()
	from, until := started.Add(duration/5), started.Add(duration)
	latencies, answered := make([][]time.Duration, l.connections), make([]int, l.connections)
	failures := make([]error, l.connections)
	var running sync.WaitGroup
	for i := range l.connections {
		running.Go(func() { latencies[i], answered[i], failures[i] = l.connection(from, until) })
	}
	running.Wait()
	if err := errors.Join(failures...); err != nil {
		return result{}, err
	}
	merged := slices.Concat(latencies...)
	if len(merged) == 0 && l.patient {
		return result{p50: duration, p99: duration}, nil
	}
	if len(merged) == 0 {
		return result{}, errors.New("no request was answered in time")
	}
	slices.Sort(merged)
	all := 0
	for _, n := range answered {
		all += n
	}
	return result{
		answered:  all,
		perSecond: float64(len(merged)) / until.Sub(from).Seconds(),
		p50:       merged[len(merged)/2],
		p99:       merged[len(merged)*99/100],
	}, nil
}

// send sends the request so many times on one connection.
func (l load) send(times int) error {
	conn, err := net.Dial("tcp", l.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	return l.sendOn(conn, times)
}

// sendOn sends the request so many times on a connection.
func (l load) sendOn(conn net.Conn, times int) error {
	reader := bufio.NewReaderSize(conn, 64<<10)
	for range times {
		if err := exchange(conn, reader, l); err != nil {
			return err
		}
	}
	return nil
}

// connection sends one request after another. It returns how long those took that
// count, and how many were answered in all.
func (l load) connection(from, until time.Time) (took []time.Duration, answered int, err error) {
	conn, err := net.Dial("tcp", l.addr)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = conn.Close() }() // conn may be another one by then
	reader := bufio.NewReaderSize(conn, 64<<10)
	for {
		sent := time.Now()
		if sent.After(until) {
			return took, answered, nil
		}
		if err := exchange(conn, reader, l); err != nil {
			if !l.patient {
				return nil, 0, err
			}
			_ = conn.Close() // what is left of the answer does not matter
			time.Sleep(max(l.rest, time.Millisecond))
			if conn, err = net.Dial("tcp", l.addr); err != nil {
				return nil, 0, err
			}
			reader.Reset(conn)
			continue
		}
		answered++
		if now := time.Now(); sent.After(from) && now.Before(until) {
			took = append(took, now.Sub(sent))
		}
	}
}

// exchange sends the request and reads its answer.
func exchange(conn net.Conn, reader *bufio.Reader, l load) error {
	if _, err := conn.Write(l.request); err != nil {
		return err
	}
	return readAnswer(reader, l.status)
}

// readAnswer reads one answer and checks its status. It knows just enough HTTP
// to leave the two cores to the server.
func readAnswer(reader *bufio.Reader, status int) error {
	_, err := readTail(reader, status)
	return err
}

// tailBytes is how much of an answer's end is kept.
const tailBytes = 256

// readTail reads an answer and returns the end of its body. A status of 0
// stands for 2xx, and for 409.
func readTail(reader *bufio.Reader, status int) ([]byte, error) {
	got, length, err := readHead(reader)
	if err != nil {
		return nil, err
	}
	good := got == status || status == 0 && (got < 300 || got == 409)
	if !good {
		body := make([]byte, min(max(length, 0), 500))
		_, _ = io.ReadFull(reader, body) // only to tell more about the failure
		return nil, fmt.Errorf("status %d instead of %d: %s", got, status, body)
	}
	if length < 0 && got != 204 {
		return nil, errors.New("an answer without a length")
	}
	length = max(length, 0)
	if _, err := reader.Discard(max(length-tailBytes, 0)); err != nil {
		return nil, err
	}
	tail := make([]byte, min(length, tailBytes))
	_, err = io.ReadFull(reader, tail)
	return tail, err
}

// readHead reads an answer's status and the length of its body, -1 when it does
// not say.
func readHead(reader *bufio.Reader) (status, length int, err error) {
	line, err := reader.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < 12 {
		return 0, 0, fmt.Errorf("not an HTTP answer: %q", line)
	}
	status, _ = strconv.Atoi(string(line[9:12]))
	for length = -1; ; {
		line, err = reader.ReadSlice('\n')
		if err != nil || len(line) <= 2 {
			return status, length, err
		}
		if name, value, ok := bytes.Cut(line, []byte(": ")); ok && bytes.EqualFold(name, []byte("Content-Length")) {
			length, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
		}
	}
}
