#!/usr/bin/env bash
# Signs a release's checksums with an SSH key: sign.sh FOLDER KEYFILE. OpenSSH is
# everywhere, so that nobody needs another tool to verify; verify.sh does it.
set -euo pipefail
[ $# = 2 ] || { echo "usage: $0 FOLDER KEYFILE" >&2; exit 2; }
[ -s "$1/SHA256SUMS" ] || { echo "$0: $1 holds no SHA256SUMS; run deploy/release/build.sh first" >&2; exit 1; }
(cd "$1" && sha256sum --quiet -c SHA256SUMS)
rm -f "$1/SHA256SUMS.sig"
ssh-keygen -q -Y sign -f "$2" -n eventflow "$1/SHA256SUMS"
