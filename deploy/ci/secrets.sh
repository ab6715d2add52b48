#!/usr/bin/env bash
# Looks for secrets in every commit that led here. deploy/ci/gitleaks.toml says what is none.
# shellcheck source=deploy/check/tools/install.sh
. "$(dirname "$0")/../check/tools/install.sh"

go_tool gitleaks github.com/zricethezav/gitleaks/v8 v8.30.1
"$tool" git --no-banner --redact --verbose --log-opts=HEAD --config deploy/ci/gitleaks.toml "${1:-.}"
