package app_test

import (
	"strings"
	"testing"
)

// example is a file a rule has something to say about, or not. Its path may name
// the other files of its folder: `core/doc.go beside a.go b.go`.
type example struct{ rule, path, text, says string }

func (e *example) parse(t *testing.T) source {
	t.Helper()
	name, beside, _ := strings.Cut(e.path, " beside ")
	s := parse(t, name, e.text)
	s.beside = strings.Fields(beside)
	return s
}

// importing returns a file that imports one package.
func importing(place, imported string) string {
	return "package " + place + "\n\nimport _ \"" + imported + "\"\n"
}

// violations are files each of which breaks one rule once.
var violations = []example{
	{"core imports the standard library only", "core/a.go", importing("core", "github.com/google/uuid"), "imports github.com/google/uuid"},
	{"core imports the standard library only", "core/b.go", importing("core", module+"/adapters/memory"), "imports " + module + "/adapters/memory"},
	{"core imports the standard library only", "core/storetest/a.go", importing("storetest", "github.com/stretchr/testify/require"), "testify"},
	{"adapters stand alone", "adapters/memory/a.go", importing("memory", module+"/app"), "imports " + module + "/app"},
	{"adapters stand alone", "adapters/sqlite/a.go", importing("sqlite", module+"/ui"), "imports " + module + "/ui"},
	{"OpenTelemetry is adapters/otel's", "adapters/rest/server/c.go", importing("server", "go.opentelemetry.io/otel/trace"), "go.opentelemetry.io/otel/trace"},
	{"core's packages see each other in one direction", "core/a.go", importing("core", module+"/core/eventlog"), "core/eventlog"},
	{"core's packages see each other in one direction", "core/eventjson/a.go", importing("eventjson", module+"/core/eventlog"), "core/eventlog"},
	{"core's packages see each other in one direction", "core/eventlog/a.go", importing("eventlog", module+"/core/identity"), "core/identity"},
	{"core's packages see each other in one direction", "core/deliver/a.go", importing("deliver", module+"/core/identity"), "core/identity"},
	{"core's packages see each other in one direction", "core/identity/a.go", importing("identity", module+"/core/deliver"), "core/deliver"},
	{"core's packages see each other in one direction", "core/storetest/a.go", importing("storetest", module+"/core/eventlog"), "core/eventlog"},
	{"core's packages see each other in one direction", "core/fresh/a.go", importing("fresh", module+"/core"), "without walls"},
	{"storage sees nothing of core but its nouns and ports", "adapters/postgres/b.go", importing("postgres", module+"/core/eventlog"), "core/eventlog"},
	{"storage sees nothing of core but its nouns and ports", "adapters/catalog/b.go", importing("catalog", module+"/core/identity"), "core/identity"},
	{"coretest is for tests", "core/deliver/b.go", importing("deliver", module+"/core/internal/coretest"), "coretest"},
	{"adapters stand alone", "adapters/postgres/a.go", importing("postgres", module+"/adapters/pgtest"), "pgtest"},
	{"adapters stand alone", "adapters/rest/server/a.go", importing("server", module+"/adapters/memory"), "memory"},
	{"adapters stand alone", "adapters/rest/server/b.go", importing("server", module+"/adapters/restore"), "restore"},
	{"rest and cloudevents import core, eventjson and the standard library only", "adapters/rest/a.go", importing("rest", "github.com/google/uuid"), "uuid"},
	{"rest and cloudevents import core, eventjson and the standard library only", "adapters/rest/b.go", importing("rest", module+"/adapters/rest/server"), "rest/server"},
	{"rest and cloudevents import core, eventjson and the standard library only", "adapters/rest/c.go", importing("rest", module+"/adapters/rest/cloudevents"), "rest/cloudevents"},
	{"rest and cloudevents import core, eventjson and the standard library only", "adapters/rest/cloudevents/a.go", importing("cloudevents", "github.com/valyala/fasthttp"), "fasthttp"},
	{"rest and cloudevents import core, eventjson and the standard library only", "adapters/rest/cloudevents/b.go", importing("cloudevents", module+"/adapters/rest"), "adapters/rest"},
	{"rest and cloudevents import core, eventjson and the standard library only", "adapters/rest/d.go", importing("rest", module+"/core/identity"), "core/identity"},
	{"ui talks through rest only", "ui/b.go", importing("ui", module+"/adapters/rest/cloudevents"), "rest/cloudevents"},
	{"adapters stand alone", "adapters/catalog/a.go", importing("catalog", module+"/adapters/sqlite"), "adapters/sqlite"},
	{"adapters stand alone", "adapters/sqlitefile/a.go", importing("sqlitefile", module+"/adapters/sqlite"), "adapters/sqlite"},
	{"ui talks through rest only", "ui/a.go", importing("ui", module+"/adapters/rest/server"), "rest/server"},
	{"ui talks through rest only", "ui/wasm/a.go", importing("main", module+"/app"), "imports " + module + "/app"},
	{"migrations and policies import nothing of the module", "migrations/a.go", importing("migrations", module+"/core"), "imports " + module + "/core"},
	{"fx, flags and the command line are app's", "core/a.go", importing("core", "flag"), "imports flag"},
	{"fx, flags and the command line are app's", "adapters/otel/a.go", importing("otel", "go.uber.org/fx/fxevent"), "imports go.uber.org/fx/fxevent"},
	{"fx, flags and the command line are app's", "ui/a.go", importing("ui", "github.com/spf13/cobra"), "imports github.com/spf13/cobra"},
	{"fx, flags and the command line are app's", "adapters/jwt/a.go", importing("jwt", "github.com/spf13/pflag"), "pflag"},
	{"the environment is app's", "adapters/postgres/a.go", "package postgres\n\nimport \"os\"\n\nvar home = os.Getenv(\"HOME\")\n", "uses os.Getenv"},
	{"the environment is app's", "core/a.go", "package core\n\nimport system \"os\"\n\nfunc f() []string { return system.Environ() }\n", "uses os.Environ"},
	{"the environment is app's", "adapters/sqlite/a.go", "package sqlite\n\nimport \"syscall\"\n\nfunc f() { syscall.Getenv(\"HOME\") }\n", "uses syscall.Getenv"},
	{"fiber is rest/server's", "adapters/rest/a.go", importing("rest", "github.com/gofiber/fiber/v2"), "fiber"},
	{"fiber is rest/server's", "app/a.go", importing("app", "github.com/gofiber/fiber/v2/middleware/cors"), "fiber"},
	{"NATS is adapters/jetstream's", "app/a.go", importing("app", "github.com/nats-io/nats.go"), "nats"},
	{"no server of NATS is linked", "adapters/jetstream/a.go", importing("jetstream", "github.com/nats-io/nats-server/v2/server"), "nats-server"},
	{"gorm is the catalog's", "adapters/postgres/a.go", importing("postgres", "gorm.io/gorm"), "gorm"},
	{"gorm is the catalog's", "app/a.go", importing("app", "gorm.io/driver/postgres"), "gorm"},
	{"broken hashes and ciphers are nobody's", "core/a.go", importing("core", "crypto/md5"), "imports crypto/md5"},
	{"broken hashes and ciphers are nobody's", "app/a.go", importing("app", "crypto/rc4"), "imports crypto/rc4"},
	{"SHA-1 is for senders who sign with it", "app/a.go", importing("app", "crypto/sha1"), "imports crypto/sha1"},
	{"net/http stays out of wasm", "adapters/rest/a.go", importing("rest", "net/http"), "imports net/http"},
	{"net/http stays out of wasm", "adapters/rest/a_js.go", importing("rest", "net/http"), "imports net/http"},
	{"net/http stays out of wasm", "adapters/rest/b.go", "//go:build wasm || linux\n\n" + importing("rest", "net/http/httptrace"), "imports net/http/httptrace"},
	{"net/http stays out of wasm", "core/a.go", importing("core", "net/http"), "imports net/http"},
	{"packages are named for what they hold", "app/a/a.go", "package util\n", "named util"},
	{"packages are named for what they hold", "core/common/a_test.go", "package common_test\n", "named common"},
	{"packages are named for what they hold", "app/helpers/main.go", "package main\n", "named helpers"},
	{"names say what a thing is", "app/a.go", "package app\n\ntype StreamManager struct{}\n", "StreamManager"},
	{"names say what a thing is", "app/b.go", "package app\n\nfunc TestHelper() {}\n", "TestHelper"},
	{"names say what a thing is", "core/a.go", "package core\n\nvar (\n\tfine int\n\tStoreImpl int\n)\n", "StoreImpl"},
	{"names say what a thing is", "core/b.go", "package core\n\nfunc (s *Stream) NewService() {}\n", "NewService"},
	{"interfaces are small", "core/a.go", "package core\n\ntype wide interface {\n\tA()\n\tB()\n\tC()\n\tD()\n\tE()\n\tF()\n\tG()\n\tH()\n}\n", "the interface wide has 8 methods"},
	{"core and rest are documented", "core/a.go", "package core\n\ntype Stream struct{}\n", "Stream has no comment"},
	{"core and rest are documented", "core/b.go", "package core\n\n// Stream is documented.\ntype Stream struct{}\n\nfunc (s *Stream) Name() {}\n", "Name has no comment"},
	{"core and rest are documented", "core/c.go", "package core\n\n// Set is documented.\ntype Set[T any] struct{}\n\nfunc (s Set[T]) Add() {}\n", "Add has no comment"},
	{"core and rest are documented", "adapters/rest/a.go", "package rest\n\nconst (\n\t// A is documented.\n\tA = 1\n\tB = 2\n)\n", "B has no comment"},
	{"core and rest are documented", "adapters/rest/server/a.go", "package server\n\nfunc New() {}\n", "New has no comment"},
	{"files are short", "core/a.go", "package core\n" + strings.Repeat("\n", maxLines), "has 601 lines"},
	{"files are short", "core/a_test.go", "package core\n" + strings.Repeat("\n", maxLines), "has 601 lines"},
	{"doc.go names every file", "adapters/rest/doc.go beside a.go b.go", "// Package rest has a.go.\npackage rest\n", "does not name b.go"},
	{"doc.go names every file", "adapters/rest/server/doc.go beside a.go", "// Package server has a.go and b_js.go.\npackage server\n", "names b_js.go, which is not there"},
	{"doc.go names every file", "adapters/rest/cloudevents/a.go beside b.go", "package cloudevents\n", "has no doc.go beside it"},
}

// allowed are files at the edge of a rule.
var allowed = []example{
	{rule: "core imports the standard library only", path: "core/storetest/a.go", text: importing("storetest", module+"/core")},
	{rule: "core imports the standard library only", path: "core/a_test.go", text: importing("core", "pgregory.net/rapid")},
	{rule: "core's packages see each other in one direction", path: "core/deliver/a.go", text: importing("deliver", module+"/core/eventlog")},
	{rule: "core's packages see each other in one direction", path: "core/identity/a_test.go", text: importing("identity", module+"/core/internal/coretest")},
	{rule: "storage sees nothing of core but its nouns and ports", path: "adapters/sqlite/b.go", text: importing("sqlite", module+"/core")},
	{rule: "storage sees nothing of core but its nouns and ports", path: "adapters/sqlite/b_test.go", text: importing("sqlite", module+"/core/storetest")},
	{rule: "coretest is for tests", path: "core/deliver/b_test.go", text: importing("deliver", module+"/core/internal/coretest")},
	{rule: "rest and cloudevents import core, eventjson and the standard library only", path: "adapters/rest/a.go", text: importing("rest", module+"/core/eventjson")},
	{rule: "adapters stand alone", path: "adapters/rest/server/a.go", text: importing("server", module+"/adapters/rest")},
	{rule: "adapters stand alone", path: "adapters/postgres/a_test.go", text: importing("postgres", module+"/adapters/pgtest")},
	{rule: "adapters stand alone", path: "adapters/postgres/a.go", text: importing("postgres", module+"/migrations")},
	{rule: "rest and cloudevents import core, eventjson and the standard library only", path: "adapters/rest/cloudevents/a.go", text: importing("cloudevents", module+"/core")},
	{rule: "rest and cloudevents import core, eventjson and the standard library only", path: "adapters/rest/cloudevents/b.go", text: importing("cloudevents", module+"/core/eventjson")},
	{rule: "adapters stand alone", path: "adapters/rest/server/b.go", text: importing("server", module+"/adapters/rest/cloudevents")},
	{rule: "adapters stand alone", path: "adapters/catalog/a.go", text: importing("catalog", module+"/adapters/sqlitefile")},
	{rule: "adapters stand alone", path: "adapters/sqlite/a.go", text: importing("sqlite", module+"/adapters/sqlitefile")},
	{rule: "ui talks through rest only", path: "ui/a.go", text: importing("ui", "github.com/maxence-charriere/go-app/v10/pkg/app")},
	{rule: "fx, flags and the command line are app's", path: "app/a.go", text: importing("app", "go.uber.org/fx")},
	{rule: "the environment is app's", path: "core/a.go", text: "package core\n\nimport \"os\"\n\nvar environment = os.Args\n"},
	{rule: "the environment is app's", path: "core/b.go", text: "package core\n\ntype settings struct{}\n\nvar os settings\n\nfunc f() { os.Getenv() }\n"},
	{rule: "fiber is rest/server's", path: "adapters/rest/server/a.go", text: importing("server", "github.com/gofiber/fiber/v2")},
	{rule: "gorm is the catalog's", path: "adapters/catalog/a.go", text: importing("catalog", "gorm.io/gorm")},
	{rule: "net/http stays out of wasm", path: "adapters/rest/a.go", text: "//go:build !js\n\n" + importing("rest", "net/http")},
	{rule: "net/http stays out of wasm", path: "adapters/rest/a_linux.go", text: importing("rest", "net/http")},
	{rule: "net/http stays out of wasm", path: "adapters/rest/server/a.go", text: importing("server", "net/http")},
	{rule: "interfaces are small", path: "core/a.go", text: "package core\n\ntype all interface {\n\tA()\n\tB()\n\tC()\n\tD()\n\tE()\n\tF()\n\tG()\n\tanother\n}\n"},
	{rule: "core and rest are documented", path: "core/a.go", text: "package core\n\n// The limits.\nconst (\n\tA = 1\n\tB = 2\n)\n\ntype inner struct{}\n\nfunc (inner) Name() {}\n"},
	{rule: "files are short", path: "core/a.go", text: "package core\n" + strings.Repeat("\n", maxLines-1)},
	{rule: "doc.go names every file", path: "adapters/rest/doc.go beside a.go b_js.go", text: "// Package rest has a.go and b_js.go.\npackage rest\n"},
	{rule: "doc.go names every file", path: "adapters/memory/a.go beside b.go", text: "package memory\n"},
}
