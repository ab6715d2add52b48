#!/usr/bin/env bash
# Rolls an image out, proves it by `eventflow try`, and takes it back where it fails:
#
#   rollout.sh DRIVER IMAGE
#
# DRIVER is a script that knows where the server runs: `DRIVER current` prints the image
# that runs, or nothing, and `DRIVER apply IMAGE` returns when another one does. aws.sh
# and helm.sh beside this script are two. EVENTFLOW_URL and EVENTFLOW_KEY name the server
# and a key of the role developer; EVENTFLOW is the command, `eventflow` by default.
#
# The exit code is 0 if the image runs, 1 if it was taken back, 3 if nothing runs any
# more that is known to work.
set -uo pipefail
[ $# = 2 ] || { echo "usage: $0 DRIVER IMAGE" >&2; exit 2; }
driver=$1 image=$2
: "${EVENTFLOW_URL:?}" "${EVENTFLOW_KEY:?}"
export EVENTFLOW_URL EVENTFLOW_KEY
read -ra eventflow <<<"${EVENTFLOW:-eventflow}"

say() { printf 'rollout: %s\n' "$*" >&2; }

# A balancer takes some seconds to see that a server is there.
proved() {
  local try
  for try in $(seq "${SMOKE_TRIES:-5}"); do
    "${eventflow[@]}" try --stream smoke >&2 && return
    say "the smoke test failed ($try of ${SMOKE_TRIES:-5})"
    sleep "${SMOKE_PAUSE:-5}"
  done
  return 1
}

before=$("$driver" current) || { say "cannot tell what runs now; nothing was changed"; exit 1; }
say "${before:-nothing} runs; rolling out $image"
if "$driver" apply "$image" && proved; then
  say "$image runs and is proved"
  exit 0
fi
if [ -z "$before" ]; then
  say "$image does not work, and there is nothing to go back to"
  exit 3
fi
say "$image does not work; going back to $before"
if "$driver" apply "$before" && proved; then
  say "$before runs again and is proved. The logs of $image say more"
  exit 1
fi
say "$before does not work either: somebody has to look at it now"
exit 3
