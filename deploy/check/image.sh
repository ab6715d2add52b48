#!/usr/bin/env bash
# Checks the Dockerfile: BuildKit's own linter reads it, buildah builds it, and runc
# runs the image as it will be run: nobody's user, a root that cannot be written to.
# There is no registry and no container engine: Debian with Go stands in for the
# image that the build starts from, so that what is published as golang:… is not seen.
# shellcheck source=deploy/check/tools/install.sh
. "$(dirname "$0")/tools/install.sh"
# shellcheck source=deploy/check/tools/debian.sh
. "$(dirname "$0")/tools/debian.sh"

must_be_root "building an image without a container engine"
packages buildah umoci jq busybox-static
# Docker brings a runc of its own, which Debian's package would throw out.
command -v runc >/dev/null || packages runc

base=docker.io/library/$(sed -n 's/^FROM .*\(golang:[^ ]*\) AS build$/\1/p' Dockerfile)
go_version=$("$GO" env GOVERSION)
[[ $base == *"golang:${go_version#go}-"* ]] || say "note: the Dockerfile builds with $base, this check with $go_version"

own_tool dockerlint
lint=$tool
passes "the linter of BuildKit finds nothing" "$lint" -base "$base" Dockerfile
for broken in deploy/check/dockerlint/testdata/*.Dockerfile; do
  refuses "$(basename "$broken" .Dockerfile)" "$lint" -base "$base" "$broken"
done

work=$(mktemp -d /var/tmp/eventflow-image.XXXXXX)
name=eventflow-check-$$
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
# The stand-in is kept: making it takes a minute. Go looks into no folder with a dot.
buildah=(buildah --root "$cache/.images" --runroot "$work/run")
cleanup() {
  runc delete -f "$name" >/dev/null 2>&1 || true
  "${buildah[@]}" rm -a >/dev/null 2>&1 || true
  "${buildah[@]}" rmi eventflow:check >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

stand_in() {
  local container mounted
  container=$("${buildah[@]}" from scratch)
  mounted=$("${buildah[@]}" mount "$container")
  debian "$mounted"
  cp -a "$("$GO" env GOROOT)" "$mounted/usr/local/go"
  rm -rf "$mounted"/usr/share/{doc,man,locale} "$mounted"/usr/local/go/{api,doc,test}
  # A machine that reaches the module proxy by a proxy of its own trusts that one.
  cp -L /etc/ssl/certs/ca-certificates.crt "$mounted/etc/ssl/certs/ca-certificates.crt"
  "${buildah[@]}" umount "$container" >/dev/null
  "${buildah[@]}" config --env PATH=/usr/local/go/bin:/usr/bin:/bin --env GOPATH=/go --env GOTOOLCHAIN=local "$container"
  "${buildah[@]}" commit -q --rm "$container" "$base" >/dev/null
}

# The caches of this machine, or every build would begin from nothing.
build() {
  "${buildah[@]}" bud --pull-never --format docker --platform linux/amd64 \
    -v "$("$GO" env GOCACHE)":/root/.cache/go-build -v "$("$GO" env GOMODCACHE)":/go/pkg/mod \
    --build-arg VERSION="$(version)" --build-arg REVISION="$(git rev-parse HEAD)" --build-arg CREATED="$(git log -1 --format=%cI)" \
    -t eventflow:check .
}

setting() { "${buildah[@]}" inspect --type image --format "{{$1}}" eventflow:check; }

equals() { [ "$2" = "$3" ] || fail "$1 is '$2', not '$3'"; }

"${buildah[@]}" inspect --type image "$base" >/dev/null 2>&1 || passes "a stand-in for $base is made" stand_in
passes "buildah builds the image" build
config='.Docker.Config'
equals "the user" "$(setting $config.User)" 65532:65532
equals "the entry point" "$(setting $config.Entrypoint)" '[/usr/bin/eventflow]'
equals "the volume" "$(setting $config.Volumes)" 'map[/var/lib/eventflow:{}]'
equals "the health check" "$(setting $config.Healthcheck.Test)" '[CMD /usr/bin/eventflow health]'
for label in title description source documentation licenses version revision created; do
  [ -n "$(setting "index $config.Labels \"org.opencontainers.image.$label\"")" ] || fail "the label $label is empty"
done
say "✓ user, entry point, volume, health check and labels are there"

"${buildah[@]}" push -q eventflow:check "oci:$work/image:check"
umoci unpack --image "$work/image:check" "$work/bundle" >/dev/null 2>&1
bytes=$(du -sb "$work/bundle/rootfs" | cut -f1)
pulled=$(du -sb "$work/image/blobs" | cut -f1)
[ "$pulled" -le 40000000 ] || fail "the image is $pulled bytes to pull, more than 40 MB"
[ "$bytes" -le 80000000 ] || fail "the image is $bytes bytes on disk, more than 80 MB"
say "✓ the image is $((pulled / 1000000)) MB to pull, $((bytes / 1000000)) MB on disk"

# As Kubernetes runs it with readOnlyRootFilesystem, runAsNonRoot and no capabilities.
# /sys and limits by cgroup need more rights than the machine of a build may have.
install -d -o 65532 -g 65532 -m 0700 "$work/data"
install -m 0755 /bin/busybox "$work/busybox"
jq --arg data "$work/data" --arg busybox "$work/busybox" '
  .root.readonly = true | .process.terminal = false | .process.noNewPrivileges = true |
  .process.capabilities = {} | del(.process.rlimits) | del(.linux.resources) |
  .linux.namespaces |= map(select(.type != "cgroup")) |
  .mounts |= map(select(.destination != "/sys" and .destination != "/sys/fs/cgroup" and .destination != "/var/lib/eventflow")) |
  .mounts += [{destination: "/var/lib/eventflow", type: "bind", source: $data, options: ["rbind", "rw"]},
              {destination: "/busybox", type: "bind", source: $busybox, options: ["bind", "ro"]}] |
  .process.env += ["EVENTFLOW_SECRET=only-for-this-check-0123456789abcdef"]
' "$work/bundle/config.json" >"$work/config.json"
mv "$work/config.json" "$work/bundle/config.json"
touch "$work/bundle/rootfs/busybox" # where the probe is mounted

inside() { runc exec "$name" "$@"; }

(cd "$work/bundle" && exec runc run "$name") </dev/null >"$work/log" 2>&1 &
server=$!
for _ in $(seq 100); do
  inside /usr/bin/eventflow health >/dev/null 2>&1 && break
  kill -0 $server 2>/dev/null || break
  sleep 0.2
done
inside /usr/bin/eventflow health >"$work/health" 2>&1 || fail "the server does not get healthy: $(cat "$work/log" "$work/health")"
say "✓ it starts, and its health check passes"
equals "the user id inside" "$(inside /busybox id -u)" 65532
written=$(inside /busybox touch /written 2>&1 || true)
[[ $written == *'Read-only file system'* ]] || fail "the root can be written to: $written"
say "✓ it runs as 65532, on a root that cannot be written to"

key=$(inside /usr/bin/eventflow key create --label check --role developer 2>/dev/null)
asks() { inside /busybox env EVENTFLOW_URL=http://127.0.0.1:8080 EVENTFLOW_KEY="$key" /usr/bin/eventflow try --stream check; }
passes "eventflow try goes through the whole path" asks
[ -n "$(ls -A "$work/data")" ] || fail "the volume is empty: the data went elsewhere"

runc kill "$name" TERM
wait $server || fail "the server did not end well when it was stopped: $(tail -3 "$work/log")"
refuses "a server that has ended" inside /usr/bin/eventflow health
