#!/usr/bin/env bash
# Checks deploy/compose.yaml as Compose reads it, with both sets of variables, and the
# settings that it mounts. There is no engine: the services are not started.
# shellcheck source=deploy/check/tools/install.sh
. "$(dirname "$0")/tools/install.sh"

packages prometheus
own_tool composelint
lint=$tool
passes "the linters' own tests" "$GO" -C deploy/check test ./...

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ENV_FILE=$work/one deploy/compose/environment.sh >/dev/null
ENV_FILE=$work/full deploy/compose/environment.sh full >/dev/null
[ "$(stat -c %a "$work/one")" = 600 ] || fail "the file with the secrets is not private"
refuses "writing over secrets" env ENV_FILE="$work/one" deploy/compose/environment.sh

started() { "$lint" -env "$1" -services deploy/compose.yaml | tr '\n' ' '; }
passes "one server is sound" "$lint" -env "$work/one" deploy/compose.yaml
passes "the profile full is sound" "$lint" -env "$work/full" deploy/compose.yaml
[ "$(started "$work/one")" = "eventflow " ] || fail "without a profile it starts $(started "$work/one")"
[ "$(started "$work/full")" = "collector eventflow grafana postgres prometheus redis " ] || fail "the profile full starts $(started "$work/full")"
say "✓ one service, or six by the profile full"
for secret in EVENTFLOW_SECRET EVENTFLOW_METRICS_TOKEN POSTGRES_PASSWORD; do
  grep -v "^$secret=" "$work/one" >"$work/without"
  refuses "a missing $secret" "$lint" -env "$work/without" deploy/compose.yaml
done

# The server takes what the file hands it.
make -s bin/eventflow >/dev/null
(
  set -a
  # shellcheck source=/dev/null
  . "$work/full"
  export EVENTFLOW_STORE=sqlite:$work/data
  unset EVENTFLOW_VERSION
  passes "the server accepts these settings" bin/eventflow config
)

install -d "$work/etc"
cp deploy/compose/prometheus.yml "$work/etc/prometheus.yml"
ln -s "$root/deploy/prometheus" "$work/etc/eventflow"
echo token >"$work/etc/metrics_token"
passes "Prometheus reads its settings and the rules" promtool check config "$work/etc/prometheus.yml"
