#!/usr/bin/env bash
# Verifies a release that was downloaded: verify.sh FOLDER. The signature must be of a
# key in SIGNERS, which is the file signers beside this script, and every file as it was
# when it was signed.
set -euo pipefail
[ $# = 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
signers=${SIGNERS:-$(cd "$(dirname "$0")" && pwd)/signers}
cd "$1"
ssh-keygen -q -Y verify -f "$signers" -I release -n eventflow -s SHA256SUMS.sig <SHA256SUMS ||
  { echo "$0: no key in $signers has signed these files" >&2; exit 1; }
sha256sum --quiet -c SHA256SUMS
