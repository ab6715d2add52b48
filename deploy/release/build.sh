#!/usr/bin/env bash
# Builds a release into a folder: build.sh VERSION FOLDER. From one commit it makes the
# same bytes on every machine, so that anybody can check what is published.
#
# PLATFORMS are those to build for. NFPM and CYCLONEDX name the packager and the maker
# of the bill of materials where they are not on the PATH.
set -euo pipefail
[ $# = 2 ] || { echo "usage: $0 VERSION FOLDER" >&2; exit 2; }
version=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ -z "$(ls -A "$folder")" ] || { echo "$0: $folder is not empty" >&2; exit 1; }

PLATFORMS=${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64}
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC
# Git's state is in the version; stamped in once more, it would tell a clone from a
# tree of an archive.
export GOFLAGS='-trimpath -buildvcs=false'

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

archive() { # NAME: packs $stage/NAME, whose files get the commit's time
  find "$stage/$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  if [[ $1 == *windows* ]]; then
    (cd "$stage" && find "$1" -type f | sort | zip -Xq -@ "$folder/$1.zip")
  else
    tar -C "$stage" --sort=name --owner=0 --group=0 --numeric-owner --format=ustar -cf - "$1" | gzip -9n >"$folder/$1.tar.gz"
  fi
}

for platform in $PLATFORMS; do
  os=${platform%/*} arch=${platform#*/}
  name=eventflow_${version#v}_${os}_$arch
  echo "building $name" >&2
  make -s bin/eventflow RELEASE=1 VERSION="$version" TARGETOS="$os" TARGETARCH="$arch" >/dev/null
  mkdir "$stage/$name"
  program=eventflow
  [ "$os" = windows ] && program=eventflow.exe
  install -m 0755 bin/eventflow "$stage/$name/$program"
  install -m 0644 LICENSE README.md SECURITY.md "$stage/$name/"
  archive "$name"
  if [ "$os" = linux ]; then
    deploy/package/build.sh bin/eventflow "$version" "$arch" "$folder" >/dev/null
  fi
done

# What the program is made of, with the licence of each part.
GOOS=linux GOARCH=amd64 "${CYCLONEDX:-cyclonedx-gomod}" app -json -licenses -std -noserial -notimestamp \
  -main app/eventflow -output "$folder/eventflow.cdx.json" . 2>"$stage/sbom.log" || { cat "$stage/sbom.log" >&2; exit 1; }
deploy/release/changelog.sh "$version" >"$folder/CHANGELOG.md"
(cd "$folder" && sha256sum -- * | sort -k2 >"$stage/SHA256SUMS" && mv "$stage/SHA256SUMS" .)
