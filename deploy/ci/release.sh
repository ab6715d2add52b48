#!/usr/bin/env bash
# Builds and signs a release: release.sh VERSION FOLDER. RELEASE_SIGNING_KEY is the SSH
# key whose public half is in deploy/release/signers.
# shellcheck source=deploy/check/tools/install.sh
. "$(dirname "$0")/../check/tools/install.sh"
# shellcheck source=deploy/check/tools/packagers.sh
. "$root/deploy/check/tools/packagers.sh"
[ $# = 2 ] || { echo "usage: $0 VERSION FOLDER" >&2; exit 2; }
: "${RELEASE_SIGNING_KEY:?is the SSH key that signs releases}"

needs_nfpm
needs_cyclonedx
deploy/release/build.sh "$1" "$2"

key=$(mktemp)
trap 'rm -f "$key"' EXIT
printf '%s\n' "$RELEASE_SIGNING_KEY" >"$key"
deploy/release/sign.sh "$2" "$key"
deploy/release/verify.sh "$2"
