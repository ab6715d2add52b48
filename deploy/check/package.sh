#!/usr/bin/env bash
# Checks the Debian package: built twice it is the same, and lintian finds nothing.
# deploy/check/systemd.sh installs it.
# shellcheck source=deploy/check/tools/install.sh
. "$(dirname "$0")/tools/install.sh"
# shellcheck source=deploy/check/tools/packagers.sh
. "$(dirname "$0")/tools/packagers.sh"

packages lintian
needs_nfpm

make -s bin/eventflow >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
arch=$("$GO" env GOARCH)

package() { deploy/package/build.sh bin/eventflow "$(version)" "$arch" "$work/$1"; }
one=$(package one)
other=$(package other)
cmp -s "$one" "$other" || fail "two builds of one binary give two packages"
say "✓ $(basename "$one") is built, twice the same"

# A package of a small program is made at once, and is named as a large one.
printf '#!/bin/sh\n' >"$work/small"
for of in v1.2.3=1.2.3 v1.2.3-4-gabc=1.2.3+4.gabc v1.3.0-rc.1=1.3.0~rc.1 abc-dirty=0.0.0+git.abc.dirty; do
  deploy/package/build.sh "$work/small" "${of%=*}" "$arch" "$work/versions" >"$work/name"
  [ "$(dpkg-deb -f "$(cat "$work/name")" Version)" = "${of#*=}" ] || fail "${of%=*} is packaged as $(cat "$work/name")"
done
dpkg --compare-versions 1.2.3 lt 1.2.3+4.gabc || fail "what comes after a release sorts before it"
dpkg --compare-versions 1.3.0~rc.1 lt 1.3.0 || fail "a candidate sorts after its release"
say "✓ versions become Debian's"

passes "lintian finds nothing" lintian --fail-on error,warning "$one"

broken() {
  rm -rf "$work/package"
  cp -r deploy/package deploy/systemd "$work/"
  sed -i "$1" "$work/package/nfpm.yaml"
  "$work/package/build.sh" "$work/small" v1.0.0 "$arch" "$work/broken" >"$work/name" 2>&1 &&
    lintian --fail-on error,warning "$(cat "$work/name")"
}
export SOURCE_DATE_EPOCH=1700000000 # there is no git beside the copies
passes "a small package is sound, too" broken 's/^section:/section:/'
refuses "a key that nfpm does not know" broken 's/^section:/sektion:/'
refuses "a package without copyright" broken '/copyright/d'
refuses "a package without a manual" broken '/eventflow\.1\.gz/d'
