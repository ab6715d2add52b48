# Everything runs with Go and make alone. Works with GNU make 3.81 and later.

GO       ?= go
VERSION  = $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  = -s -w -X github.com/eventflow-go/eventflow/app.Version=$(VERSION)

GOLANGCI_VERSION := v2.15.0
GOLANGCI         := bin/golangci-lint-$(GOLANGCI_VERSION)

# 12.8.2 is the last one that runs on Node.js 18 and 20.
LIGHTHOUSE_VERSION := 12.8.2
LIGHTHOUSE         := bin/lighthouse-$(LIGHTHOUSE_VERSION)/node_modules/.bin/lighthouse

# Verifies webhooks in JavaScript.
VERIFIER_VERSION := 1.1.1
VERIFIER         := bin/standardwebhooks-$(VERIFIER_VERSION)/node_modules

# What builds images, and what they say of themselves.
CONTAINER  ?= $(firstword $(notdir $(wildcard $(addsuffix /docker,$(subst :, ,$(PATH))) $(addsuffix /podman,$(subst :, ,$(PATH))))) docker)
IMAGE_ARGS  = VERSION=$(VERSION) REVISION=$(shell git rev-parse HEAD) CREATED=$(shell git log -1 --format=%cI)

# What is built for this machine is built in one way, as the program is: two would be
# two compilations of everything. The race detector alone needs another.
export CGO_ENABLED = 0
BUILDFLAGS = -trimpath

# How hard to compress the dashboard: RELEASE=1 takes half a minute, and saves
# those who load it a seventh.
QUALITY = $(if $(RELEASE),11,5)

# The race detector needs a C compiler. Without one the tests run all the same,
# and `make test` says what is missing. It leaves out SQLite's translated C, in
# which it finds nothing that is ours and spends two thirds of its time. (Not the
# packages around it: what these instantiate of the standard library's generics
# would be used by all, and locks that it does not see look like races.)
RACE := $(if $(filter 1,$(shell env -u CGO_ENABLED $(GO) env CGO_ENABLED)),-race '-gcflags=modernc.org/sqlite/lib=-race=false -d=checkptr=0')

# The race detector watches everything but what drives other processes — servers,
# browsers, compilers, NATS, Kafka — or is about texts alone, and the catalog's suites:
# what is concurrent in it is its databases', and app's tests watch it at work. Those are built
# as the program is, which spares building most of it again. One comes after the other,
# but while a browser waits for pages, what the race detector watches is compiled beside
# it (go list -export compiles as go test does), at the lowest priority: a browser must
# not wait for compilers.
# Of what is about texts it watches the tests in which several use the same at once:
# the others begin no goroutine, and would take seven times as long.
MODULE  := github.com/eventflow-go/eventflow
SHARED   = $(addprefix $(MODULE)/,adapters/jsonschema adapters/pipeline)
TEXTS    = $(SHARED) $(addprefix $(MODULE)/,adapters/pipeline/cel adapters/pipeline/decoded adapters/pipeline/jq core/eventjson)
UNRACED  = $(addprefix $(MODULE)/,app/proof/e2e app/proof/chaos app/proof/foreign app/proof/former app/proof/guides app/proof/testenv app/proof/chaos/history app/proof/browser ui/pack adapters/catalog adapters/jetstream adapters/kafka) $(TEXTS)

# What takes long begins first, or it would be waited for at the end.
SLOWEST  = $(addprefix $(MODULE)/,app adapters/memory adapters/postgres ui adapters/rest/server core/deliver)
RACED    = $(SLOWEST) $(filter-out $(SLOWEST) $(UNRACED),$(shell $(GO) list ./...))

# go vet is one of the linters, and no picture of a failure needs debug information. Much
# of a test's time is waiting, so there are more of them at once than processors.
TESTFLAGS = -vet=off '-ldflags=-s -w' -timeout 15m -parallel 4

# A raced program sleeps for a second before it ends, in case a goroutine races just
# then. There are hundreds of them, most of which the suites start to see a planted
# fault found: ten milliseconds are as good.
RACED_ENV = CGO_ENABLED=1 GORACE=atexit_sleep_ms=10

# How long `make fuzz` stays with each target, and how often `make chaos` kills,
# pauses, cuts the power, and does each of it to servers of JetStream, how long it leaves
# the network sick, how often a standby takes over, and something happens to two shards.
FUZZTIME ?= 10s
KILLS    ?= 20
PAUSES   ?= 5
CUTS     ?= 5
SICK     ?= 25s
NATS     ?= 2
STANDBYS ?= 3
SHARDS   ?= 10

.DEFAULT_GOAL := help
.PHONY: help run build size dashboard test lint fmt image check-deploy bench lighthouse verify-hooks chaos chaos-long fuzz clean FORCE

help: ## print this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

run: build ## build and start a server to try: SQLite in ./eventflow_data, loopback only
	@exec bin/eventflow dev

build: bin/eventflow ## build bin/eventflow, one static binary; RELEASE=1 packs the dashboard smaller

size: dashboard ## say how large the dashboard is, and fail where that is too large
	$(GO) run $(BUILDFLAGS) ./ui/pack size ui/web

test: bin/eventflow bin/testenv ## run every test, with a private PostgreSQL and Redis
	GOOS=js GOARCH=wasm $(GO) build $(WASMFLAGS) ./core/... ./adapters/rest
	$(GO) run $(BUILDFLAGS) ./ui/pack size ui/web
	@$(if $(findstring -race,$(RACE)),:,echo "make: no C compiler, so the tests run WITHOUT the race detector; install gcc or clang" >&2)
	EVENTFLOW_TEST_SCREENSHOTS='$(CURDIR)/bin/screenshots' bin/testenv -- sh -c "\
		$(if $(RACE),$(RACED_ENV) nice -n 19 $(GO) list -test -export $(RACE) $(RACED) >/dev/null 2>&1 &) \
		$(GO) test $(BUILDFLAGS) $(TESTFLAGS) $(UNRACED); unraced=\$$?; wait; \
		$(if $(RACE),$(RACED_ENV),) $(GO) test $(or $(RACE),$(BUILDFLAGS)) $(TESTFLAGS) $(RACED); raced=\$$?; \
		$(if $(RACE),$(RACED_ENV),) $(GO) test $(or $(RACE),$(BUILDFLAGS)) $(TESTFLAGS) -run ServesSeveralAtOnce $(SHARED) && exit \$$((unraced | raced))"
	@echo 'A picture of every screen: open bin/screenshots/index.html'

# Whatever runs beside the linters goes before: .ci/run tests meanwhile.
lint: $(GOLANGCI) ## check format and code
	GOFLAGS='$(BUILDFLAGS)' nice $(GOLANGCI) run ./...

fmt: $(GOLANGCI) ## format the code
	$(GOLANGCI) fmt ./...

image: ## build the image eventflow:VERSION with Docker or Podman
	$(CONTAINER) build $(foreach arg,$(IMAGE_ARGS),--build-arg '$(arg)') -t 'eventflow:$(VERSION)' .

# Each script checks one artifact of deploy/ for real, and installs what it needs
# into bin/check, or by apt-get. One that fails does not keep the others from running.
check-deploy: ## check everything under deploy/ by what runs here: images, packages, units, workflows (needs root on Debian or Ubuntu)
	@failed=; for script in $(or $(ONLY),$(sort $(wildcard deploy/check/*.sh))); do \
		echo "== $$script"; $$script || failed="$$failed $$script"; \
	done; test -z "$$failed" || { echo "make: these checks failed:$$failed" >&2; exit 1; }

bench: bin/eventflow bin/testenv ## measure the ratios that matter, a JSON line each, and what the dashboard costs
	bin/testenv -- $(GO) run $(BUILDFLAGS) ./app/proof/bench
	bin/testenv -- $(GO) test -timeout 10m -run '^$$' -bench Dashboard -benchtime 1x ./app/proof/e2e

lighthouse: bin/eventflow bin/testenv $(LIGHTHOUSE) ## have Lighthouse judge the dashboard, a JSON line for each figure; needs npm
	EVENTFLOW_TEST_LIGHTHOUSE='$(CURDIR)/$(LIGHTHOUSE)' bin/testenv -- $(GO) test -timeout 10m -run '^$$' -bench Lighthouse -benchtime 1x ./app/proof/e2e

verify-hooks: $(VERIFIER) ## have the Standard Webhooks library for JavaScript judge our signatures; needs npm
	EVENTFLOW_TEST_NODE_MODULES='$(CURDIR)/$(VERIFIER)' $(GO) test -tags javascript -run JavaScript ./adapters/webhook

chaos: dashboard bin/testenv ## kill, pause, cut off and misset servers and databases, make their network sick and cut their power, under load and check the log, and use the dashboard of three nodes (up to 35 minutes)
	EVENTFLOW_TEST_KILLS=$(KILLS) EVENTFLOW_TEST_PAUSES=$(PAUSES) EVENTFLOW_TEST_CUTS=$(CUTS) \
		EVENTFLOW_TEST_JETSTREAM=$(NATS) EVENTFLOW_TEST_SICK=$(SICK) EVENTFLOW_TEST_STANDBY=$(STANDBYS) EVENTFLOW_TEST_ARCHIVE=1 \
		EVENTFLOW_TEST_SHARDS=$(SHARDS) \
		bin/testenv -- $(GO) test -count=1 -v -timeout 30m ./app/proof/chaos/...
	EVENTFLOW_TEST_STANDBY=1 $(GO) test -count=1 -run Standby ./adapters/postgres
	EVENTFLOW_TEST_SHARDED=1 EVENTFLOW_TEST_ARCHIVE=1 bin/testenv -- $(GO) test -count=1 -run OverEngines ./adapters/sharded ./adapters/archive
	bin/testenv -- $(GO) test -count=5 -run ClockIsWrong ./app
	EVENTFLOW_TEST_JETSTREAM_SHAPES=1x1,3x1,3x4 $(GO) test -count=1 -run TestStorage ./adapters/jetstream
	EVENTFLOW_TEST_FLEET=3 bin/testenv -- $(GO) test $(BUILDFLAGS) -count=1 $(TESTFLAGS) -timeout 30m ./app/proof/e2e

chaos-long: bin/testenv ## pause, cut off and misset a server and cut its power 100 times each, kill under processors as often, do each of thirteen things to servers of JetStream 25 times, and kill copies of a million events (up to three hours)
	EVENTFLOW_TEST_PAUSES=100 bin/testenv -- $(GO) test -count=1 -v -timeout 60m -run 'Paused|CutOff' ./app/proof/chaos
	EVENTFLOW_TEST_KILLS=200 bin/testenv -- $(GO) test -count=1 -v -timeout 60m -run UnderProcessors ./app/proof/chaos
	EVENTFLOW_TEST_CUTS=100 $(GO) test -count=1 -v -timeout 60m -run 'PowerIsCut|PowerCut' ./app/proof/chaos
	bin/testenv -- $(GO) test -count=100 -timeout 60m -run ClockIsWrong ./app
	EVENTFLOW_TEST_JETSTREAM=25 EVENTFLOW_TEST_CUTS=25 bin/testenv -- $(GO) test -count=1 -v -timeout 180m -run 'JetStream(Is|Are|Lose)' ./app/proof/chaos
	EVENTFLOW_TEST_STREAMS=100000 bin/testenv -- $(GO) test -count=1 -v -run ManyStreams ./app/proof/chaos
	EVENTFLOW_TEST_STANDBY=50 $(GO) test -count=1 -v -timeout 60m -run PrimaryIsLost ./app/proof/chaos
	EVENTFLOW_TEST_SHARDS=200 $(GO) test -count=1 -v -timeout 120m -run ServersAndShards ./app/proof/chaos
	EVENTFLOW_TEST_COPY=1000000 bin/testenv -- $(GO) test -count=1 -v -timeout 60m -run ACopyIsKilled ./app/proof/chaos

fuzz: ## feed every fuzz target random input for FUZZTIME each
	@set -e; for found in $$(grep -rhoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | sort -u | sed 's/^func //'); do \
		for file in $$(grep -rlE --include='*_test.go' "^func $$found\(" .); do \
			echo "$(GO) test -run '^$$' -fuzz '^$$found\$$' -fuzztime $(FUZZTIME) $$(dirname $$file)"; \
			$(GO) test -run '^$$' -fuzz "^$$found\$$" -fuzztime $(FUZZTIME) "$$(dirname $$file)"; \
		done; \
	done

clean: ## remove what was built; data in ./eventflow_data stays
	rm -rf bin ui/web/app.wasm.*

# Go knows best whether anything changed. The dashboard comes first: the server
# embeds it. TARGETOS and TARGETARCH are the names that image builders give them:
# they are the program's, not those of what runs while it is built.
bin/eventflow: dashboard FORCE
	GOOS='$(TARGETOS)' GOARCH='$(TARGETARCH)' $(GO) build $(BUILDFLAGS) -ldflags '$(LDFLAGS)' -o $@ ./app/eventflow

# What draws pages waits for the browser most of the time, so it is compiled without
# inlining: a thirtieth less to load.
WASMFLAGS = $(BUILDFLAGS) '-gcflags=github.com/...=-l'

# Only the packed forms lie where they are embedded.
dashboard: FORCE
	GOOS=js GOARCH=wasm $(GO) build $(WASMFLAGS) -ldflags '-s -w' -o bin/app.wasm ./ui/wasm
	$(GO) run $(BUILDFLAGS) ./ui/pack bin/app.wasm ui/web $(QUALITY)

bin/testenv: FORCE
	@$(GO) build $(BUILDFLAGS) -o $@ ./app/proof/testenv

# Installed by version, which leaves go.mod alone and keeps the linter's
# dependencies out of ours.
$(GOLANGCI):
	GOBIN='$(CURDIR)/bin' nice $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv bin/golangci-lint $@

$(LIGHTHOUSE):
	@command -v npm >/dev/null || { echo 'make: Lighthouse is installed by npm: install Node.js 18.16 or later with npm (Debian and Ubuntu: apt-get install nodejs npm)' >&2; exit 1; }
	PUPPETEER_SKIP_DOWNLOAD=1 npm install --prefix bin/lighthouse-$(LIGHTHOUSE_VERSION) --no-save --no-audit --no-fund lighthouse@$(LIGHTHOUSE_VERSION)

$(VERIFIER):
	@command -v npm >/dev/null || { echo 'make: the verifier is installed by npm: install Node.js with npm (Debian and Ubuntu: apt-get install nodejs npm)' >&2; exit 1; }
	npm install --prefix bin/standardwebhooks-$(VERIFIER_VERSION) --no-save --no-audit --no-fund standardwebhooks@$(VERIFIER_VERSION)

FORCE:
