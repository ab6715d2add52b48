#!/usr/bin/env bash
# Prints what changed since the release before: changelog.sh VERSION. The subjects of
# commits are written to be read by people, so they are the list.
set -euo pipefail
[ $# = 1 ] || { echo "usage: $0 VERSION" >&2; exit 2; }
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

last=HEAD
git rev-parse -q --verify "refs/tags/$1" >/dev/null && last=$1
# A release's list begins at the release before it, past candidates.
earlier=$(git tag --merged "$last" --sort=-v:refname --list 'v*' | grep -Ev -- "-|^$1\$" | head -1 || true)

printf '# EventFlow %s\n\n%s\n\n' "$1" "$(git log -1 --format=%cs "$last")"
if [ -n "$earlier" ]; then
  printf 'Since %s:\n\n' "$earlier"
fi
git log --no-merges --format='- %s (%h)' --abbrev=10 "${earlier:+$earlier..}$last"
