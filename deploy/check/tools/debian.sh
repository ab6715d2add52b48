# shellcheck shell=bash
# A bare Debian in a folder, for the scripts that install, boot or build in one. They
# read install.sh first.

# debian FOLDER unpacks Debian 12 with systemd, make and git into a new folder. The
# packages are fetched once.
debian() {
  local archive=${cache:?}/debian-bookworm.tar
  if [ ! -s "$archive" ]; then
    packages debootstrap debian-archive-keyring
    say "fetching Debian"
    local fetched
    fetched=$(mktemp -d /var/tmp/eventflow-debian.XXXXXX)
    debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,ca-certificates,make,git bookworm "$fetched" >"$cache/debootstrap.log" 2>&1 ||
      fail "debootstrap failed; see $cache/debootstrap.log"
    rm -rf "$fetched"/var/cache/apt/archives/*.deb
    tar -C "$fetched" --numeric-owner -cf "$archive.part" .
    mv "$archive.part" "$archive"
    rm -rf "$fetched"
  fi
  mkdir -p "$1"
  tar -C "$1" --numeric-owner -xf "$archive"
  chmod 0755 "$1" # mktemp's is for its owner alone, and nobody else would find anything
}
