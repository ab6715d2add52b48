#!/usr/bin/env bash
# Checks the roll-out with real servers on this machine: a good image stays, one that
# does not start and one that starts but does not serve are taken back. The drivers for
# AWS and Kubernetes need what they drive; shellcheck alone reads them (actions.sh).
# shellcheck source=deploy/check/tools/install.sh
. "$(dirname "$0")/tools/install.sh"

make -s bin/eventflow >/dev/null
WORK=$(mktemp -d)
HEALTH=$root/bin/eventflow
driver=$root/deploy/check/tools/local-driver.sh
export WORK HEALTH
trap '"$driver" stop; rm -rf "$WORK"' EXIT

port=$((20000 + RANDOM % 10000))
export EVENTFLOW_ADDR=127.0.0.1:$port EVENTFLOW_STORE=sqlite:$WORK/data EVENTFLOW_SECRET=only-for-this-check-0123456789abcdef
export EVENTFLOW_URL=http://$EVENTFLOW_ADDR EVENTFLOW=$HEALTH SMOKE_TRIES=2 SMOKE_PAUSE=0
EVENTFLOW_KEY=$("$HEALTH" key create --label smoke --role developer 2>/dev/null)
export EVENTFLOW_KEY

# Images: two that work, one that ends at once, one that refuses who asks twice.
image() { # NAME COMMAND
  printf '#!/bin/sh\n%s\n' "$2" >"$WORK/$1" && chmod +x "$WORK/$1"
}
image first "exec $HEALTH \"\$@\""
image second "exec $HEALTH \"\$@\""
image dead 'exit 1'
image ill "EVENTFLOW_RATE_KEY=1/1 exec $HEALTH \"\$@\""

rolls_out() { # IMAGE CODE RUNNING
  local code=0
  deploy/rollout/rollout.sh "$driver" "$WORK/$1" >"$WORK/told" 2>&1 || code=$?
  [ $code = "$2" ] || fail "rolling out $1 ends with $code, not $2: $(cat "$WORK/told")"
  [ "$(basename "$("$driver" current)")" = "$3" ] || fail "after $1, $("$driver" current) runs"
}

rolls_out dead 3 dead
say "✓ a first image that does not start is told as what it is"
rm "$WORK/image"
rolls_out first 0 first
rolls_out second 0 second
say "✓ an image that works stays"
rolls_out dead 1 second
say "✓ one that does not start is taken back"
rolls_out ill 1 second
grep -q 'smoke test failed (2 of 2)' "$WORK/told" || fail "the smoke test did not fail: $(cat "$WORK/told")"
say "✓ one that starts and does not serve is taken back, and the one before is proved again"
rm "$WORK/second"
rolls_out dead 3 second
say "✓ where neither works, somebody is called"
