#!/bin/sh
# Checks what Prometheus and Grafana are given: the rules and their tests, the dashboards, the
# names of metrics, and that the alerts fire when what they watch breaks. Takes some minutes.
set -eu
cd "$(dirname "$0")/../.."

missing=
for program in prometheus promtool curl; do
    command -v "$program" >/dev/null || missing="$missing $program"
done
if [ -n "$missing" ]; then
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        apt-get install -y --no-install-recommends prometheus curl
    else
        echo "prometheus.sh: needs$missing; on Debian and Ubuntu: sudo apt-get install prometheus curl" >&2
        exit 1
    fi
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp deploy/prometheus/*.yml "$folder"
echo a-token >"$folder/metrics_token" # the configuration names such a file

promtool check config "$folder/prometheus.yml"
promtool check rules deploy/prometheus/eventflow.rules.yml
promtool test rules deploy/prometheus/eventflow.rules.test.yml
go test ./deploy/grafana
go test -C deploy/check/grafana ./...
go run ./app/proof/alerts
