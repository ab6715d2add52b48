# shellcheck shell=bash
# Read by the scripts in deploy/check: where things are, and how a script gets the
# tools that it needs. What is built lies in bin/check under its version, so that
# the second run builds nothing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
cache=$root/bin/check
GO=${GO:-go}
tool= # set by go_tool and own_tool
mkdir -p "$cache"
cd "$root"

say() { printf '  %s\n' "$*"; }

fail() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# passes SAYING COMMAND… runs a command that must succeed, and shows its output only
# where it does not.
passes() {
  local saying=$1 output
  shift
  if ! output=$("$@" 2>&1); then
    printf '%s\n' "$output" >&2
    fail "$saying: failed"
  fi
  say "✓ $saying"
}

# refuses SAYING COMMAND… runs a command on something that is broken: where it passes,
# the check is worth nothing.
refuses() {
  local saying=$1
  shift
  if "$@" >/dev/null 2>&1; then
    fail "$saying: was not noticed"
  fi
  say "✓ $saying is noticed"
}

# packages NAME… makes sure of Debian packages. Only root can install them; anybody
# else is told the command.
packages() {
  local name missing=()
  for name in "$@"; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done
  [ ${#missing[@]} = 0 ] && return
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    fail "missing packages; on Debian or Ubuntu, as root: apt-get install ${missing[*]}"
  fi
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  local options=(-qq -o DPkg::Lock::Timeout=600)
  apt-get "${options[@]}" update >&2
  apt-get "${options[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null
}

# go_tool NAME PACKAGE VERSION installs a command, and sets $tool to it. It is built
# from the module of the tool, so that the product's own go.mod knows nothing of it.
go_tool() {
  tool=$cache/$1-$3
  [ -x "$tool" ] && return
  say "building $1 $3"
  local bin
  bin=$(mktemp -d "$cache/build.XXXXXX")
  GOBIN=$bin CGO_ENABLED=0 GOFLAGS='-trimpath -buildvcs=false' "$GO" install "$2@$3"
  mv "$bin"/* "$tool"
  rmdir "$bin"
}

# own_tool NAME builds a command of deploy/check, and sets $tool to it.
own_tool() {
  tool=$cache/$1
  CGO_ENABLED=0 "$GO" build -C "$root/deploy/check" -trimpath -buildvcs=false -o "$tool" "./$1"
}

# must_be_root says why a check cannot run for anybody else.
must_be_root() {
  [ "$(id -u)" = 0 ] || fail "$1 needs root: sudo env \"PATH=\$PATH\" make check-deploy"
}

# version is what binaries built from this tree call themselves.
version() { git describe --tags --always --dirty 2>/dev/null || echo dev; }
