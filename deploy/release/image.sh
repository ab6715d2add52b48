#!/usr/bin/env bash
# Builds the image for two architectures with Docker's buildx and pushes it:
# image.sh VERSION NAME, where NAME is such as ghcr.io/eventflow-go/eventflow. A
# release also gets the tag of its minor version. Prints the digest.
set -euo pipefail
[ $# = 2 ] || { echo "usage: $0 VERSION NAME" >&2; exit 2; }
version=$1 name=$2
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

tags=(--tag "$name:${version#v}")
if [[ $version =~ ^v([0-9]+\.[0-9]+)\.[0-9]+$ ]]; then
  tags+=(--tag "$name:${BASH_REMATCH[1]}")
fi
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH

docker buildx inspect eventflow >/dev/null 2>&1 || docker buildx create --name eventflow --driver docker-container >/dev/null
metadata=$(mktemp)
trap 'rm -f "$metadata"' EXIT
docker buildx build --builder eventflow --platform linux/amd64,linux/arm64 --provenance=mode=max --sbom=true \
  --build-arg VERSION="$version" --build-arg REVISION="$(git rev-parse HEAD)" --build-arg CREATED="$(git log -1 --format=%cI)" \
  "${tags[@]}" --metadata-file "$metadata" --push . >&2
jq -er '."containerimage.digest"' "$metadata"
