#!/bin/sh
# Writes deploy/.env, the variables that deploy/compose.yaml needs, with new secrets.
#
#   deploy/compose/environment.sh [full]
#
# `full` chooses PostgreSQL, Redis, Prometheus, Grafana and the collector. ENV_FILE
# names another file.
set -eu
umask 077

here=$(cd "$(dirname "$0")" && pwd)
file=${ENV_FILE:-$(dirname "$here")/.env}
case "${1:-}" in
'' | full) ;;
*) echo "usage: $0 [full]" >&2 && exit 2 ;;
esac
if [ -e "$file" ]; then
  echo "$0: $file is there already, and its secrets belong to the data: edit it, or move it away to begin anew" >&2
  exit 1
fi

# 32 random bytes, in characters that no URL and no shell has to quote.
random() { head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

version=$(git -C "$here" describe --tags --always --dirty 2>/dev/null || echo dev)
redis=$(random)
{
  cat <<END
# Made by deploy/compose/environment.sh. EVENTFLOW_SECRET is the server's secret: without
# it no key and no session is valid. Keep a copy with your backups.
EVENTFLOW_VERSION=${version#v}
EVENTFLOW_SECRET=$(random)
EVENTFLOW_METRICS_TOKEN=$(random)
POSTGRES_PASSWORD=$(random)
REDIS_PASSWORD=$redis
GRAFANA_PASSWORD=$(random)
END
  if [ "${1:-}" = full ]; then
    cat <<END

COMPOSE_PROFILES=full
EVENTFLOW_STORE=postgres://eventflow@postgres:5432/eventflow
EVENTFLOW_REDIS=redis://:$redis@redis:6379/0
OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318
END
  fi
} >"$file.part"
mv "$file.part" "$file"
echo "$file is written. Next: docker compose -f $here/../compose.yaml up -d --wait"
