#!/usr/bin/env bash
# Asks the Go vulnerability database about the code that this program reaches. It needs
# https://vuln.go.dev.
# shellcheck source=deploy/check/tools/install.sh
. "$(dirname "$0")/../check/tools/install.sh"

go_tool govulncheck golang.org/x/vuln/cmd/govulncheck v1.9.0
"$tool" ./...
