//go:build !js

package ui

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/andybalholm/brotli"
	"github.com/stretchr/testify/require"
)

// programText stands for the program: a site does not look into it.
var programText = bytes.Repeat([]byte("\x00asm, and so on. "), 1000)

// built is what is embedded, with a program whether there is one or not.
func built(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	require.NoError(t, fs.WalkDir(web, "web", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.Contains(name, Program) {
			return err
		}
		body, err := web.ReadFile(name)
		files[strings.TrimPrefix(name, "web/")] = &fstest.MapFile{Data: body}
		return err
	}))
	files[Program+".br"] = &fstest.MapFile{Data: Brotli(programText, 5)}
	files[Program+".gz"] = &fstest.MapFile{Data: Gzip(programText)}
	files[Program+".txt"] = &fstest.MapFile{Data: fmt.Appendf(nil, "0123abcd %d 5\n", len(programText))}
	return files
}

func rendered(t *testing.T, files fs.FS) *Site {
	t.Helper()
	site, err := render(files)
	require.NoError(t, err)
	return site
}

// text returns a file's body.
func (s *Site) text(t *testing.T, name string) string {
	t.Helper()
	file, found := s.Find(name, name == "/")
	require.True(t, found, name)
	return string(file.Body)
}

// TestEveryFileIsThereInEveryForm holds what the site consists of, and that the
// compressed forms are the same file.
func TestEveryFileIsThereInEveryForm(t *testing.T) {
	t.Parallel()
	site := rendered(t, built(t))
	kinds := map[string]string{
		"/": "text/html; charset=utf-8", "/robots.txt": "text/plain; charset=utf-8",
		"/app.js": "text/javascript; charset=utf-8", "/wasm_exec.js": "text/javascript; charset=utf-8",
		"/app-worker.js": "text/javascript; charset=utf-8", "/manifest.webmanifest": "application/manifest+json",
		"/app.css": "text/css; charset=utf-8", "/web/app.css": "text/css; charset=utf-8", "/web/app.wasm": "application/wasm",
		"/web/icon.svg": "image/svg+xml", "/web/icon-192.png": "image/png", "/web/icon-512.png": "image/png",
		"/web/icon-maskable.png": "image/png",
	}
	for name := range kinds {
		if name != "/" {
			require.Contains(t, site.Files(), name)
		}
	}
	tags := map[string]string{}
	for _, name := range append(site.Files(), "/") {
		file, found := site.Find(name, name == "/")
		require.True(t, found, name)
		if kind, known := kinds[name]; known {
			require.Equal(t, kind, file.ContentType, name)
		}
		require.NotEqual(t, "application/octet-stream", file.ContentType, name)
		require.Regexp(t, `^W/"[0-9a-f]{8,}"$`, file.ETag, name)
		require.Empty(t, tags[file.ETag], "%s has its tag from another", name)
		tags[file.ETag] = name
		body := file.Body
		if name == "/web/app.wasm" {
			require.Nil(t, body, "it would take its size in memory again")
			body = programText
		}
		require.Len(t, body, file.Size, name)
		require.NotContains(t, string(body), "{{", name)
		require.NotContains(t, string(body), placeholder, name)
		requireForms(t, name, file, body)
	}
}

// requireForms checks the compressed forms, which those texts have that they
// make smaller.
func requireForms(t *testing.T, name string, file File, body []byte) {
	t.Helper()
	if len(body) > 300 && !strings.HasSuffix(name, ".png") {
		require.NotNil(t, file.Gzip, name)
		require.NotNil(t, file.Brotli, name)
	}
	if file.Gzip != nil {
		unpacked, err := gzip.NewReader(bytes.NewReader(file.Gzip))
		require.NoError(t, err)
		requireRead(t, body, unpacked, name)
		require.Less(t, len(file.Gzip), len(body), name)
	}
	if file.Brotli != nil {
		requireRead(t, body, brotli.NewReader(bytes.NewReader(file.Brotli)), name)
		require.Less(t, len(file.Brotli), len(body), name)
	}
}

func requireRead(t *testing.T, want []byte, from io.Reader, name string) {
	t.Helper()
	got, err := io.ReadAll(from)
	require.NoError(t, err, name)
	require.True(t, bytes.Equal(want, got), name)
}

// TestNothingRemoteIsNamed holds that a browser that opens the dashboard asks
// this server only. What a picture's format is called is no address.
func TestNothingRemoteIsNamed(t *testing.T) {
	t.Parallel()
	site := rendered(t, built(t))
	for _, name := range append(site.Files(), "/") {
		file, _ := site.Find(name, name == "/")
		if name == "/wasm_exec.js" || strings.HasSuffix(name, ".png") {
			continue // names an issue in a comment; is no text
		}
		text := strings.ReplaceAll(string(file.Body), "http://www.w3.org/2000/svg", "")
		for _, remote := range []string{"http://", "https://", `"//`, "url(//", "@import"} {
			require.NotContains(t, text, remote, name)
		}
	}
}

// TestTheProgramIsRunByItsToolchainsScript holds that the script fits the
// compiler: go-app brings its own copy.
func TestTheProgramIsRunByItsToolchainsScript(t *testing.T) {
	t.Parallel()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	require.NoError(t, err)
	script, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"))
	require.NoError(t, err)
	require.Equal(t, string(script), rendered(t, built(t)).text(t, "/wasm_exec.js"))
}

// TestEveryStartRendersTheSame holds that nodes and starts agree on every byte:
// go-app writes a tag's attributes in any order.
func TestEveryStartRendersTheSame(t *testing.T) {
	t.Parallel()
	first := rendered(t, built(t))
	for range 10 {
		again := rendered(t, built(t))
		require.Equal(t, first.Version(), again.Version())
		require.Equal(t, first.text(t, "/"), again.text(t, "/"))
		require.Equal(t, first.files, again.files)
	}
}

// TestTheVersionChangesWithEveryFile holds that an installed dashboard is
// renewed exactly when there is something new: the worker's text names the
// version.
func TestTheVersionChangesWithEveryFile(t *testing.T) {
	t.Parallel()
	first := rendered(t, built(t))
	require.Contains(t, first.text(t, "/app-worker.js"), `"eventflow-`+first.Version()+`"`)
	require.Contains(t, first.text(t, "/app.js"), `"GOAPP_VERSION":"`+first.Version()+`"`)
	seen := map[string]string{first.Version(): "nothing"}
	for name := range maps.Keys(built(t)) {
		if name == Program+".br" || name == Program+".gz" {
			continue // another quality makes no other program
		}
		files := built(t)
		if name == Program+".txt" {
			files[name].Data = bytes.ReplaceAll(files[name].Data, []byte("0123"), []byte("0124"))
		} else {
			files[name].Data = append(files[name].Data, '\n')
		}
		site := rendered(t, files)
		require.Empty(t, seen[site.Version()], "a change of %s changes the version", name)
		require.NotEqual(t, first.text(t, "/app-worker.js"), site.text(t, "/app-worker.js"), name)
		seen[site.Version()] = name
	}
	files := built(t)
	files[Program+".br"].Data = Brotli(programText, 11)
	require.Equal(t, first.Version(), rendered(t, files).Version())
}

// TestThePageIsEverywhereThatNothingElseIs holds that links into the dashboard
// work, and that no address of the server's shows a page.
func TestThePageIsEverywhereThatNothingElseIs(t *testing.T) {
	t.Parallel()
	for name, site := range map[string]*Site{"built": rendered(t, built(t)), "not built": rendered(t, fstest.MapFS{})} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := site.text(t, "/")
			for _, address := range []string{
				"/", "/login", "/setup", "/streams/orders.v2/events/17", "/consumers/orders/mail%20out", "/dead-letters/x", "/apis",
				"/metrics-of-mine", "/index.html", "/a/b/c/d/e/f/g",
			} {
				file, found := site.Find(address, true)
				require.True(t, found, address)
				require.Equal(t, page, string(file.Body), address)
				_, found = site.Find(address, false)
				require.False(t, found, "%s for who wants no page", address)
			}
			for _, address := range []string{
				"/api", "/api/", "/api/v1/nope", "/metrics", "/metrics/", "/livez", "/readyz", "/readyz/x", "/web", "/web/", "/web/nope.js",
				"/web/../app.js", "/web/worker.js", "/web/app.wasm.br", "/web/app.wasm.txt", "/.well-known/security.txt", "/favicon.ico",
				"/sitemap.xml", "/ads.txt", "", "app.js", "http://elsewhere/",
			} {
				_, found := site.Find(address, true)
				require.False(t, found, address)
			}
		})
	}
}

// TestThePage holds what a browser and a person without a mouse need of it.
func TestThePage(t *testing.T) {
	t.Parallel()
	page := rendered(t, built(t)).text(t, "/")
	for _, part := range []string{
		"<!doctype html>", `<html lang="en">`, "<title>EventFlow</title>", `content="width=device-width`, `name="theme-color"`,
		`<link href="/web/app.css" rel="stylesheet"`, `<link href="/web/icon.svg" rel="icon">`, `<link href="/manifest.webmanifest" rel="manifest">`,
		`<script defer src="/wasm_exec.js"></script>`, `<script defer src="/app.js"></script>`,
	} {
		require.Contains(t, page, part)
	}
	require.NotRegexp(t, `<script>|<style|style="| on[a-z]+=`, page, "the policy lets nothing inline run")
	require.NotContains(t, page, "og:")
}

// TestTheManifest holds what a browser asks of a program that can be installed.
func TestTheManifest(t *testing.T) {
	t.Parallel()
	site := rendered(t, built(t))
	var manifest struct {
		Name, Scope, Display string
		StartURL             string `json:"start_url"`
		Icons                []struct{ Src, Type, Purpose, Sizes string }
	}
	require.NoError(t, json.Unmarshal([]byte(site.text(t, "/manifest.webmanifest")), &manifest))
	require.Equal(t, []string{"EventFlow", "/", "standalone", "/"}, []string{manifest.Name, manifest.Scope, manifest.Display, manifest.StartURL})
	require.Len(t, manifest.Icons, 4)
	for _, icon := range manifest.Icons {
		file, found := site.Find(icon.Src, false)
		require.True(t, found, icon.Src)
		require.Equal(t, icon.Type, file.ContentType)
		if icon.Type == "image/png" {
			size := fmt.Sprintf("%dx%d", pixels(file.Body[16:]), pixels(file.Body[20:]))
			require.Equal(t, icon.Sizes, size, icon.Src)
		}
	}
}

// pixels reads a number of a PNG's header.
func pixels(b []byte) int { return int(b[0])<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3]) }

// TestTheWorkerKeepsEveryFile holds that what the page needs is kept for when
// the server is away, and that every kept address is answered.
func TestTheWorkerKeepsEveryFile(t *testing.T) {
	t.Parallel()
	site := rendered(t, built(t))
	list := regexp.MustCompile(`const files = new Set\((\[.*?\])\);`).FindStringSubmatch(site.text(t, "/app-worker.js"))
	require.NotNil(t, list)
	var kept []string
	require.NoError(t, json.Unmarshal([]byte(list[1]), &kept))
	var want []string
	for _, name := range site.Files() {
		if name != "/app-worker.js" && name != "/robots.txt" {
			want = append(want, name)
		}
	}
	require.ElementsMatch(t, append(want, "/"), kept)
}

// TestRenderingAsksNobody holds that go-app is set up such that not even its own
// handler would fetch what a request's Host header names.
func TestRenderingAsksNobody(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(trap.Close)
	handler := newHandler(File{Size: 1}, "", nil)
	for _, name := range []string{"/robots.txt", "/sitemap.xml", "/ads.txt", "/web/robots.txt", "/app.wasm", "/"} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, name, nil)
		request.Host = trap.Listener.Addr().(*net.TCPAddr).String()
		handler.ServeHTTP(httptest.NewRecorder(), request)
	}
	require.Zero(t, asked.Load())
}

// TestABuildWithoutTheProgramSaysSo holds that the page says what to do, and
// that half a program is an error rather than a page that never loads.
func TestABuildWithoutTheProgramSaysSo(t *testing.T) {
	t.Parallel()
	files := built(t)
	delete(files, Program+".txt")
	site := rendered(t, files)
	require.False(t, site.Built())
	require.Contains(t, site.text(t, "/"), "make build")
	require.Equal(t, []string{"/robots.txt"}, site.Files())
	require.True(t, rendered(t, built(t)).Built())

	for name, text := range map[string]string{".br": "", ".gz": "", ".txt": "nonsense"} {
		files := built(t)
		if text == "" {
			delete(files, Program+name)
		} else {
			files[Program+name].Data = []byte(text)
		}
		_, err := render(files)
		require.Error(t, err, name)
	}
}

// The program is compiled by a worker, and go-app's own way is known well enough
// to be replaced.
func TestAWorkerCompilesTheProgram(t *testing.T) {
	t.Parallel()
	site := rendered(t, built(t))
	script := site.text(t, "/app.js")
	require.Contains(t, script, `WebAssembly.instantiate(await compiled(), go.importObject)`)
	require.Contains(t, script, `new Worker("/web/compile.js")`)
	require.NotContains(t, script, `fetchWithProgress("/web/`)
	_, err := compileBeside([]byte("another script"))
	require.ErrorContains(t, err, "go-app's script loads the program in another way")
}
