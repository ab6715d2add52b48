#!/usr/bin/env bash
# Where deploy/check/rollout.sh rolls out to: this machine. An image is the path of a
# binary; WORK holds what runs.
set -euo pipefail

stop() {
  [ -s "$WORK/pid" ] || return 0
  kill "$(cat "$WORK/pid")" 2>/dev/null || true
  while kill -0 "$(cat "$WORK/pid")" 2>/dev/null; do sleep 0.1; done
  rm "$WORK/pid"
}

case "$1" in
current) [ ! -s "$WORK/image" ] || cat "$WORK/image" ;;
apply)
  stop
  "$2" serve </dev/null >>"$WORK/log" 2>&1 &
  echo $! >"$WORK/pid"
  echo "$2" >"$WORK/image"
  for _ in $(seq 100); do
    "$HEALTH" health >/dev/null 2>&1 && exit 0
    kill -0 "$(cat "$WORK/pid")" 2>/dev/null || exit 1
    sleep 0.1
  done
  exit 1
  ;;
stop) stop ;;
esac
