#!/usr/bin/env bash
# Publishes what release.sh has built as a release on GitHub: publish.sh VERSION FOLDER.
# It verifies first; what is there already is not replaced.
set -euo pipefail
[ $# = 2 ] || { echo "usage: $0 VERSION FOLDER" >&2; exit 2; }
"$(dirname "$0")/../release/verify.sh" "$2"
kind=(--latest)
[[ $1 == *-* ]] && kind=(--prerelease)
gh release create "$1" --verify-tag --title "EventFlow $1" --notes-file "$2/CHANGELOG.md" "${kind[@]}" "$2"/*
