//go:build !js

package ui

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// web holds the files that go-app does not make. The program is one of them after
// `make build` has packed it.
//
//go:embed web
var web embed.FS

// Site is the dashboard as the server serves it. Everything is rendered when the site
// is made, so that no request reaches go-app: its handler would fetch files from
// wherever a request's Host header says.
type Site struct {
	files   map[string]File
	page    File
	version string
}

// ContentSecurityPolicy tells browsers what any file of the site may do. It is sent
// with every file, because a worker is held to the policy of its own file and not to
// the page's.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
	"img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// CacheControl lets browsers keep a file, but has them ask by its ETag whether it is
// still the same: an address stays the same over all versions.
const CacheControl = "no-cache"

// registered makes sure that the routes are registered once, however many sites are
// made.
var registered sync.Once

// NewSite renders the dashboard of this build.
func NewSite() (*Site, error) {
	files, err := fs.Sub(web, "web")
	if err != nil {
		return nil, err
	}
	return render(files)
}

// Find returns the file to answer with at a path. html says that the client takes a
// page: the page is at every address that has no other file.
func (s *Site) Find(name string, html bool) (File, bool) {
	if file, found := s.files[name]; found {
		return file, true
	}
	if !html || !isPage(name) {
		return File{}, false
	}
	return s.page, true
}

// Built reports whether the program is in this build. If it is not, the page says what
// to do.
func (s *Site) Built() bool { return s.version != "" }

// Version is the version of the site. It changes exactly when a file of it does.
func (s *Site) Version() string { return s.version }

// Load returns how many bytes a browser loads at most: of the program, and of
// everything else together.
func (s *Site) Load() (program, others int) {
	others = s.page.sent()
	for name, file := range s.files {
		if name == "/web/"+Program {
			program = file.sent()
			continue
		}
		others += file.sent()
	}
	return program, others
}

// Files returns the addresses of all files but the page.
func (s *Site) Files() []string {
	names := make([]string, 0, len(s.files))
	for name := range s.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// isPage reports whether an address may be a page of the dashboard. Addresses that the
// API has, or that programs ask for by name, are not.
func isPage(name string) bool {
	for _, prefix := range []string{"/api", "/web", "/metrics", "/livez", "/readyz", "/.well-known"} {
		if name == prefix || strings.HasPrefix(name, prefix+"/") {
			return false
		}
	}
	switch name {
	case "/favicon.ico", "/sitemap.xml", "/ads.txt":
		return false
	}
	return strings.HasPrefix(name, "/")
}

// Program is the name of the dashboard's program below /web. The folder web holds its
// packed forms only.
const Program = "app.wasm"

// workerTemplate is the file from which go-app renders the worker. It is not served
// itself.
const workerTemplate = "worker.js"

// placeholder stands for the version in the files that the version is made from.
const placeholder = "version-to-come"

// generated are the files that go-app makes.
var generated = []string{"/app.js", "/wasm_exec.js", "/manifest.webmanifest", "/app-worker.js", "/app.css"}

// robots keeps search engines out: all they would find is the page for signing in.
const robots = "User-agent: *\nDisallow: /\n"

// render makes a site from the files of web.
func render(files fs.FS) (*Site, error) {
	s := &Site{files: map[string]File{"/robots.txt": newFile("/robots.txt", []byte(robots))}}
	packed, err := readPacked(files)
	if err != nil {
		return nil, err
	}
	if packed.Size == 0 {
		s.page = newFile("/index.html", []byte(notBuilt))
		return s, nil
	}
	bodies, err := readAssets(files)
	if err != nil {
		return nil, err
	}
	worker := string(bodies["/web/"+workerTemplate])
	delete(bodies, "/web/"+workerTemplate)
	if err := generate(newHandler(packed, worker, bodies), bodies); err != nil {
		return nil, err
	}
	s.version = hash(packed, bodies)
	for name, body := range bodies {
		file := newFile(name, bytes.ReplaceAll(body, []byte(placeholder), []byte(s.version)))
		if name == "/" {
			s.page = file
			continue
		}
		s.files[name] = file
	}
	s.files["/web/"+Program] = packed
	return s, nil
}

// readAssets reads the files of web, except the program.
func readAssets(files fs.FS) (map[string][]byte, error) {
	bodies := map[string][]byte{}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(path.Base(name), Program) {
			return err
		}
		bodies["/web/"+name], err = fs.ReadFile(files, name)
		return err
	})
	return bodies, err
}

// newHandler makes go-app's handler. Without these icons it would name remote ones.
func newHandler(packed File, worker string, assets map[string][]byte) *app.Handler {
	handler := &app.Handler{
		Name: "EventFlow", ShortName: "EventFlow", Title: "EventFlow", Lang: "en",
		Description:     "Streams, events and consumers of this EventFlow server",
		BackgroundColor: "#0f172a", ThemeColor: "#0f172a", LoadingLabel: "Loading",
		Icon: app.Icon{
			Default: "/web/icon-192.png", Large: "/web/icon-512.png", Maskable: "/web/icon-maskable.png", SVG: "/web/icon.svg",
		},
		Styles:                []string{"/web/app.css"},
		Resources:             local{},
		Version:               placeholder,
		WasmContentLength:     strconv.Itoa(packed.Size),
		ServiceWorkerTemplate: worker,
	}
	for name := range assets {
		handler.CacheableResources = append(handler.CacheableResources, name)
	}
	return handler
}

// local resolves every file to its own address. It serves no file, so that go-app
// never asks for one over the network.
type local struct{}

// Resolve implements [app.ResourceResolver].
func (local) Resolve(location string) string { return location }

// generate adds the files that go-app makes to bodies. The page is at "/".
func generate(handler http.Handler, bodies map[string][]byte) error {
	registered.Do(Register)
	for _, name := range append([]string{"/"}, generated...) {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequestWithContext(context.Background(), http.MethodGet, name, nil))
		if answer.Code != http.StatusOK {
			return fmt.Errorf("rendering %s: status %d", name, answer.Code)
		}
		bodies[name] = answer.Body.Bytes()
	}
	bodies["/"] = tidy(bodies["/"])
	var err error
	bodies["/app.js"], err = compileBeside(bodies["/app.js"])
	return err
}

// compileBeside changes go-app's script so that a worker compiles the program. The
// script itself passes every byte of it through the page's own thread. Besides, a
// browser may keep the compiled form of a program that it loads by itself.
func compileBeside(script []byte) ([]byte, error) {
	const theirs = `await instantiateStreaming(
      fetchWithProgress("/web/` + Program + `", showProgress),
      go.importObject
    );`
	const ours = `{ instance: await WebAssembly.instantiate(await compiled(), go.importObject) };`
	if !bytes.Contains(script, []byte(theirs)) {
		return nil, errors.New("go-app's script loads the program in another way than this version of the dashboard knows")
	}
	return append(bytes.Replace(script, []byte(theirs), []byte(ours), 1), compiled...), nil
}

// compiled is the part of the script that asks the worker for the program.
const compiled = `
function compiled() {
  return new Promise((resolve, reject) => {
    const worker = new Worker("/web/compile.js");
    worker.onmessage = ({ data }) => {
      worker.terminate();
      data.module ? resolve(data.module) : reject(data.error);
    };
    worker.onerror = (event) => reject(event.message || "the program cannot be compiled");
  });
}
`

// hash is a hash of everything that the site is made of.
func hash(packed File, bodies map[string][]byte) string {
	names := make([]string, 0, len(bodies))
	for name := range bodies {
		names = append(names, name)
	}
	slices.Sort(names)
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n", packed.ETag)
	for _, name := range names {
		fmt.Fprintf(sum, "%s %d\n%s", name, len(bodies[name]), bodies[name])
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// readPacked returns the packed program, or nothing where there is none.
func readPacked(files fs.FS) (File, error) {
	described, err := fs.ReadFile(files, Program+".txt")
	if err != nil {
		return File{}, nil //nolint:nilerr // the program is not in this build
	}
	file := File{ContentType: contentType(Program)}
	if _, err := fmt.Sscanf(string(described), "%s %d", &file.ETag, &file.Size); err != nil || file.Size < 1 {
		return File{}, fmt.Errorf("web/%s.txt is not what `make build` writes: %q", Program, described)
	}
	file.ETag = `W/"` + file.ETag + `"`
	if file.Brotli, err = fs.ReadFile(files, Program+".br"); err != nil {
		return File{}, err
	}
	file.Gzip, err = fs.ReadFile(files, Program+".gz")
	return file, err
}
