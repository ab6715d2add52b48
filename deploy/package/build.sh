#!/usr/bin/env bash
# Builds the Debian package of a binary: build.sh BINARY VERSION ARCHITECTURE FOLDER.
# NFPM names the packager where it is not on the PATH.
set -euo pipefail
[ $# = 4 ] || { echo "usage: $0 BINARY VERSION ARCHITECTURE FOLDER" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
binary=$1 version=$2 folder=$4

# v1.2.3-4-gabcdef, four commits after a release, sorts after 1.2.3; what was never
# released sorts before everything.
plain=${version#v}
if [[ $plain =~ ^[0-9]+\.[0-9]+\.[0-9]+ ]]; then
  DEB_VERSION=$(sed -E 's/-([0-9]+)-g/+\1.g/; s/-dirty$/+dirty/; s/-/~/g' <<<"$plain")
else
  DEB_VERSION=0.0.0+git.${plain//-/.}
fi

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
moment=${SOURCE_DATE_EPOCH:-$(git -C "$here" log -1 --format=%ct)}
cp "$binary" "$stage/eventflow"
gzip -9nc "$here/eventflow.1" >"$stage/eventflow.1.gz"
{
  printf 'eventflow (%s) unstable; urgency=medium\n\n' "$DEB_VERSION"
  printf '  * %s, see CHANGELOG.md of the release.\n\n' "$version"
  printf ' -- EventFlow maintainers <eventflow-go@users.noreply.github.com>  %s\n' "$(LC_ALL=C date -u -R -d "@$moment")"
} | gzip -9nc >"$stage/changelog.gz"

# nfpm gives every file the time in SOURCE_DATE_EPOCH.
export ARCH=$3 DEB_VERSION STAGE=$stage DEPLOY=${here%/*} SOURCE_DATE_EPOCH=$moment
mkdir -p "$folder"
target=$(cd "$folder" && pwd)/eventflow_${DEB_VERSION}_$3.deb
nfpm=$(command -v "${NFPM:-nfpm}") || { echo "$0: nfpm is missing; NFPM names it" >&2; exit 1; }
[[ $nfpm == /* ]] || nfpm=$PWD/$nfpm
cd "$here" # where the scripts are that nfpm.yaml names
"$nfpm" package -f nfpm.yaml -p deb -t "$target" >"$stage/log" 2>&1 || { cat "$stage/log" >&2; exit 1; }
echo "$target"
