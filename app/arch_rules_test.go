package app_test

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
)

const (
	module     = "github.com/eventflow-go/eventflow"
	maxMethods = 7
	maxLines   = 600
)

// rule is one rule of the house; check returns what in a file breaks it.
type rule struct {
	name  string
	check func(source) []string
}

var rules = []rule{
	{"core imports the standard library only", inCode(coreStands)},
	{"core's packages see each other in one direction", inCode(coreWalls)},
	{"storage sees nothing of core but its nouns and ports", inCode(storageSeesCore)},
	{"coretest is for tests", inCode(coretestIsForTests)},
	{"adapters stand alone", inCode(adaptersStandAlone)},
	{"rest and cloudevents import core, eventjson and the standard library only", inCode(restStands)},
	{"ui talks through rest only", inCode(uiTalksThroughRest)},
	{"migrations and policies import nothing of the module", inCode(embeddedStands)},
	{"fx, flags and the command line are app's", inCode(only([]string{"app"}, "go.uber.org/fx", "go.uber.org/dig", "flag", "github.com/spf13/pflag", "github.com/spf13/cobra", "github.com/caarlos0/env"))},
	{"the environment is app's", inCode(environmentIsApps)},
	{"fiber is rest/server's", inCode(only([]string{"adapters/rest/server"}, "github.com/gofiber/fiber", "github.com/valyala/fasthttp"))},
	{"OpenTelemetry is adapters/otel's", inCode(only([]string{"adapters/otel", "adapters/oteltest", "app/proof"},
		"go.opentelemetry.io", "github.com/exaring/otelpgx", "github.com/redis/go-redis/extra/redisotel"))},
	{"NATS is adapters/jetstream's", inCode(only([]string{"adapters/jetstream", "adapters/jetstreamtest"}, "github.com/nats-io/nats.go"))},
	{"no server of NATS is linked", inCode(only([]string{"adapters/jetstreamtest/natsserver"}, "github.com/nats-io/nats-server"))},
	{"gorm is the catalog's", inCode(only([]string{"adapters/catalog"}, "gorm.io"))},
	{"broken hashes and ciphers are nobody's", inCode(only(nil, "crypto/md5", "crypto/des", "crypto/rc4"))},
	{"SHA-1 is for senders who sign with it", inCode(only([]string{"core/inbound"}, "crypto/sha1"))},
	{"net/http stays out of wasm", inCode(noHTTPInWasm)},
	{"packages are named for what they hold", packageNames},
	{"names say what a thing is", inCode(exportedNames)},
	{"interfaces are small", inCode(smallInterfaces)},
	{"core and rest are documented", inCode(documented)},
	{"files are short", shortFiles},
	{"doc.go names every file", inCode(docNamesEveryFile)},
}

// inCode leaves tests out: they may import what they need.
func inCode(check func(source) []string) func(source) []string {
	return func(s source) []string {
		if s.test() {
			return nil
		}
		return check(s)
	}
}

// refuse returns a violation for every import that is not allowed.
func refuse(s source, allowed func(string) bool) []string {
	var found []string
	for _, imported := range s.imports() {
		if !allowed(imported) {
			found = append(found, "imports "+imported)
		}
	}
	return found
}

func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

// within reports whether a package is, or lies below, one of those given.
func within(imported string, packages ...string) bool {
	return slices.ContainsFunc(packages, func(p string) bool { return imported == p || strings.HasPrefix(imported, p+"/") })
}

// ours returns the place of a package in this module, "" for foreign ones.
func ours(imported string) string {
	place, _ := strings.CutPrefix(imported, module+"/")
	if place == imported {
		return ""
	}
	return place
}

func coreStands(s source) []string {
	if !s.in("core") {
		return nil
	}
	return refuse(s, func(i string) bool { return standard(i) || within(ours(i), "core") })
}

// walls says which other packages of core each of them may import.
var walls = map[string][]string{
	"core/":                  {},
	"core/internal/cache/":   {},
	"core/internal/lookout/": {},
	"core/eventjson/":        {"core"},
	"core/compat/":           {},
	"core/eventlog/":         {"core", "core/compat", "core/eventjson", "core/internal/cache", "core/internal/lookout"},
	"core/deliver/":          {"core", "core/eventjson", "core/eventlog", "core/internal/cache", "core/internal/lookout"},
	"core/identity/":         {"core", "core/eventlog", "core/internal/cache"},
	"core/inbound/":          {"core", "core/eventjson", "core/eventlog", "core/internal/cache"},
	"core/process/":          {"core", "core/deliver", "core/eventjson", "core/eventlog"},
	// The suites that adapters are held to.
	"core/storetest/":   {"core"},
	"core/catalogtest/": {"core"},
	"core/limitertest/": {"core"},
	"core/sinktest/":    {"core"},
	"core/grouptest/":   {"core", "core/eventlog", "core/deliver"},
}

func coreWalls(s source) []string {
	if !s.in("core") {
		return nil
	}
	seen, known := walls[s.folder()]
	if !known {
		return []string{"is in a package of core without walls: say in this test what it may import"}
	}
	return refuse(s, func(i string) bool { return !within(ours(i), "core") || slices.Contains(seen, ours(i)) })
}

// storageSeesCore holds the storages in this module to what one of a third party
// would use.
func storageSeesCore(s source) []string {
	if !slices.ContainsFunc([]string{"memory", "sqlite", "sqlitefile", "postgres", "pgtenant", "catalog", "jetstream"}, func(a string) bool { return s.in("adapters/" + a) }) {
		return nil
	}
	return refuse(s, func(i string) bool { return !within(ours(i), "core") || ours(i) == "core" })
}

func coretestIsForTests(s source) []string {
	return refuse(s, func(i string) bool { return ours(i) != "core/internal/coretest" })
}

// adaptersStandAlone, but for what the log and the catalog share where both are
// in the same kind of database, for how all connectors read their settings, and for a
// format that several of them write.
func adaptersStandAlone(s source) []string {
	if !s.in("adapters") {
		return nil
	}
	self := strings.Join(strings.Split(s.path, "/")[:2], "/")
	return refuse(s, func(i string) bool {
		return ours(i) == "" || within(ours(i), "core", "migrations", "policies", "adapters/pgtenant", "adapters/sqlitefile", "adapters/destination", "adapters/rest/cloudevents", self)
	})
}

func restStands(s source) []string {
	if s.folder() != "adapters/rest/" && !s.in("adapters/rest/cloudevents") {
		return nil
	}
	return refuse(s, func(i string) bool { return standard(i) || ours(i) == "core" || ours(i) == "core/eventjson" })
}

func uiTalksThroughRest(s source) []string {
	if !s.in("ui") {
		return nil
	}
	return refuse(s, func(i string) bool {
		return ours(i) == "" || ours(i) == "core" || ours(i) == "core/eventjson" || ours(i) == "adapters/rest" || within(ours(i), "ui")
	})
}

func embeddedStands(s source) []string {
	if !s.in("migrations") && !s.in("policies") {
		return nil
	}
	return refuse(s, func(i string) bool { return ours(i) == "" })
}

// only lets the packages be imported below the folders alone.
func only(folders []string, packages ...string) func(source) []string {
	return func(s source) []string {
		if slices.ContainsFunc(folders, s.in) {
			return nil
		}
		return refuse(s, func(i string) bool { return !within(i, packages...) })
	}
}

func noHTTPInWasm(s source) []string {
	if !s.wasm || s.folder() != "core/" && s.folder() != "core/eventjson/" && s.folder() != "adapters/rest/" {
		return nil
	}
	return refuse(s, func(i string) bool { return !within(i, "net/http") })
}

// environmentIsApps holds for pgtest, redistest and jetstreamtest too, but for the one
// variable that tells tests, or a test's process, their server: they run in tests only.
func environmentIsApps(s source) []string {
	if s.in("app") || s.in("adapters/pgtest") || s.in("adapters/redistest") || s.in("adapters/jetstreamtest") {
		return nil
	}
	packages := map[string]string{}
	for _, spec := range s.file.Imports {
		imported := strings.Trim(spec.Path.Value, `"`)
		packages[path.Base(imported)] = imported
		if spec.Name != nil {
			packages[spec.Name.Name] = imported
		}
	}
	readers := map[string][]string{
		"os":      {"Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "Unsetenv", "Clearenv"},
		"syscall": {"Getenv", "Environ", "Setenv", "Unsetenv", "Clearenv"},
	}
	var found []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := selector.X.(*ast.Ident); ok && slices.Contains(readers[packages[x.Name]], selector.Sel.Name) {
			found = append(found, "uses "+packages[x.Name]+"."+selector.Sel.Name)
		}
		return true
	})
	return found
}

func packageNames(s source) []string {
	for _, name := range []string{s.file.Name.Name, path.Base(path.Dir(s.path))} {
		switch strings.TrimSuffix(name, "_test") {
		case "util", "utils", "common", "helper", "helpers", "misc", "shared", "base":
			return []string{"a package named " + name + " says nothing about what it holds"}
		}
	}
	return nil
}

func exportedNames(s source) []string {
	var found []string
	for name := range exported(s.file) {
		for _, suffix := range []string{"Manager", "Impl", "Helper", "Helpers", "Service", "Util", "Utils"} {
			if strings.HasSuffix(name, suffix) {
				found = append(found, name+" ends in "+suffix)
			}
		}
	}
	return found
}

func smallInterfaces(s source) []string {
	var found []string
	ast.Inspect(s.file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		declared, ok := spec.Type.(*ast.InterfaceType)
		if !ok {
			return true
		}
		methods := 0
		for _, field := range declared.Methods.List {
			methods += len(field.Names)
		}
		if methods > maxMethods {
			found = append(found, fmt.Sprintf("the interface %s has %d methods, more than %d", spec.Name.Name, methods, maxMethods))
		}
		return true
	})
	return found
}

func documented(s source) []string {
	if !s.in("core") && !s.in("adapters/rest") {
		return nil
	}
	var found []string
	for name, doc := range exported(s.file) {
		if doc == "" {
			found = append(found, name+" has no comment")
		}
	}
	return found
}

func shortFiles(s source) []string {
	if s.lines > maxLines {
		return []string{fmt.Sprintf("has %d lines, more than %d", s.lines, maxLines)}
	}
	return nil
}

// listing are the folders whose doc.go says what is in which file.
var listing = []string{
	"adapters/rest/", "adapters/rest/cloudevents/", "adapters/rest/server/",
	"core/", "core/deliver/", "core/eventjson/", "core/eventlog/", "core/grouptest/", "core/identity/", "core/inbound/", "core/process/",
}

var fileName = regexp.MustCompile(`[a-z0-9_]+\.go\b`)

// docNamesEveryFile holds a doc.go to the files beside it, and them to having one.
func docNamesEveryFile(s source) []string {
	if !slices.Contains(listing, s.folder()) {
		return nil
	}
	if path.Base(s.path) != "doc.go" {
		if !slices.Contains(s.beside, "doc.go") {
			return []string{"has no doc.go beside it"}
		}
		return nil
	}
	var found []string
	named := fileName.FindAllString(s.file.Doc.Text(), -1)
	for _, name := range s.beside {
		if !slices.Contains(named, name) {
			found = append(found, "does not name "+name)
		}
	}
	for _, name := range named {
		if !slices.Contains(s.beside, name) {
			found = append(found, "names "+name+", which is not there")
		}
	}
	return found
}
