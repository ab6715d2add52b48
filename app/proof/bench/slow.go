package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// slow measures a producer beside clients that send a request byte by byte, half of
// them with a key, and what memory they cost.
func (b *bench) slow(ctx context.Context) error {
	s, err := b.startOnPostgres(ctx, "slow")
	if err != nil {
		return err
	}
	count := watchersAllowed()
	extra, err := b.heapOfSlow(s, count)
	if err != nil {
		return err
	}
	alone := b.posts("POST, nobody is slow", "post_without_slow", s, "bench")
	beside := b.posts(fmt.Sprintf("POST, %d are slow", count), "post_with_slow", s, "bench")
	before, during := &heap{s: s}, &heap{s: s}
	alone.beside = before.watch
	beside.beside = func() (leave func(), err error) {
		drips, err := drip(s, count)
		if err != nil {
			return nil, err
		}
		done, err := during.watch()
		return func() { done(); drips.leave() }, err
	}
	rates, err := b.rounded(alone, beside)
	if err != nil {
		return err
	}
	report(figure{Name: fmt.Sprintf("post_with_%d_slow_over_without", count), Value: ratio(rates[1], rates[0]), Goal: 0.8})
	report(figure{Name: fmt.Sprintf("heap_of_%d_slow_mb", count), Value: round(max(extra, during.most-before.most)), Goal: 128, AtMost: true})
	if err := stopAll(s); err != nil {
		return err
	}
	return b.slowOverTLS(ctx, count)
}

// slowOverTLS measures what the same clients cost a server that speaks TLS itself.
func (b *bench) slowOverTLS(ctx context.Context, count int) error {
	certificate, key, err := selfSigned(b.folder)
	if err != nil {
		return err
	}
	// Of this process: it is read when a certificate is looked at for the first time.
	if err := os.Setenv("SSL_CERT_FILE", certificate); err != nil {
		return err
	}
	s, err := startServer(ctx, "sqlite:"+filepath.Join(b.folder, "tls"), "EVENTFLOW_TLS_CERT="+certificate, "EVENTFLOW_TLS_KEY="+key,
		"EVENTFLOW_READ_TIMEOUT=10m") // so that all of them are there at once, however long their handshakes take
	if err != nil {
		return err
	}
	extra, err := b.heapOfSlow(s, count)
	if err != nil {
		return err
	}
	report(figure{Name: fmt.Sprintf("heap_of_%d_slow_tls_mb", count), Value: round(extra)})
	return stopAll(s)
}

// selfSigned writes a certificate for this machine, and its key.
func selfSigned(folder string) (certificate, key string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return "", "", err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", err
	}
	certificate, key = filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	return certificate, key, errors.Join(
		os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600),
	)
}

// heapOfSlow is how much larger the heap is for them, in megabytes, while nothing else
// happens. Some of them are let go, and come again, before it is over.
func (b *bench) heapOfSlow(s *server, count int) (megabytes float64, err error) {
	quiet, slow := &heap{s: s}, &heap{s: s}
	stop, err := quiet.watch()
	if err != nil {
		return 0, err
	}
	time.Sleep(b.slice)
	stop()
	drips, err := drip(s, count)
	if err != nil {
		return 0, err
	}
	defer drips.leave()
	if stop, err = slow.watch(); err != nil {
		return 0, err
	}
	time.Sleep(15 * time.Second) // longer than a request may take
	stop()
	note("heap of %.0f MB with %.0f files open, %.0f MB with %.0f", quiet.most, quiet.files, slow.most, slow.files)
	if slow.files < float64(count) {
		return 0, fmt.Errorf("only %.0f files were open: %d were to be slow", slow.files, count)
	}
	return slow.most - quiet.most, nil
}

// heap is the most that a server's heap had, in megabytes, while it was watched, and
// how many files were open.
type heap struct {
	s     *server
	most  float64
	files float64
}

// watch looks at the heap until it is told to stop.
func (h *heap) watch() (stop func(), err error) {
	if err := h.look(); err != nil {
		return nil, err
	}
	end := make(chan struct{})
	var looking sync.WaitGroup
	looking.Go(func() {
		for {
			select {
			case <-end:
				return
			case <-time.After(200 * time.Millisecond):
				_ = h.look() // a look that fails is one of many
			}
		}
	})
	return func() { close(end); looking.Wait() }, nil
}

var (
	heapInUse = regexp.MustCompile(`(?m)^go_memstats_heap_inuse_bytes (\S+)$`)
	openFiles = regexp.MustCompile(`(?m)^process_open_fds (\S+)$`)
)

func (h *heap) look() error {
	response, err := http.Get(h.s.base + "/metrics")
	if err != nil {
		return err
	}
	text, err := io.ReadAll(response.Body)
	_ = response.Body.Close() // it was only read
	if err != nil {
		return err
	}
	bytes, files := heapInUse.FindSubmatch(text), openFiles.FindSubmatch(text)
	if bytes == nil || files == nil {
		return fmt.Errorf("the metrics say nothing of heap and files: %s", response.Status)
	}
	inUse, _ := strconv.ParseFloat(string(bytes[1]), 64) // both are numbers
	open, _ := strconv.ParseFloat(string(files[1]), 64)
	h.most, h.files = max(h.most, inUse/1e6), max(h.files, open)
	return nil
}

// Every connection sends a byte in so much time, and each of the drippers has so many
// connections.
const (
	dripEvery    = 2 * time.Second
	perDripper   = 500
	dripsInARow  = 20
	betweenDrips = dripEvery / (perDripper / dripsInARow)
)

// drips are connections on which somebody sends a byte now and then.
type drips struct {
	end chan struct{}
	all sync.WaitGroup
}

func (d *drips) leave() {
	close(d.end)
	d.all.Wait()
}

// drip connects that many clients. One that the server lets go comes again.
func drip(s *server, count int) (*drips, error) {
	d := &drips{end: make(chan struct{})}
	for begun := 0; begun < count; begun += perDripper {
		conns := make([]net.Conn, min(perDripper, count-begun))
		for i := range conns {
			var err error
			if conns[i], err = beginSlowly(s, i); err != nil {
				return nil, err
			}
		}
		d.all.Go(func() { d.send(s, conns) })
	}
	return d, nil
}

func beginSlowly(s *server, i int) (net.Conn, error) {
	key := ""
	if i%2 == 0 {
		key = "X-API-Key: " + s.key + "\r\n"
	}
	conn, err := dial(s)
	if err != nil {
		return nil, err
	}
	_, err = io.WriteString(conn, "POST /api/v1/streams/bench/events HTTP/1.1\r\nHost: bench\r\n"+key+"X-Slow: ")
	return conn, err
}

// dial connects, over TLS where the server speaks it.
func dial(s *server) (net.Conn, error) {
	if strings.HasPrefix(s.base, "https:") {
		return tls.Dial("tcp", s.addr, nil)
	}
	return net.Dial("tcp", s.addr)
}

func (d *drips) send(s *server, conns []net.Conn) {
	for at := 0; ; at = (at + dripsInARow) % len(conns) {
		select {
		case <-d.end:
			for _, conn := range conns {
				_ = conn.Close() // it never got to an end
			}
			return
		case <-time.After(betweenDrips):
		}
		for i := at; i < min(at+dripsInARow, len(conns)); i++ {
			if _, err := conns[i].Write([]byte{'x'}); err == nil {
				continue
			}
			_ = conns[i].Close() // the server has
			if again, err := beginSlowly(s, i); err == nil {
				conns[i] = again
			}
		}
	}
}
