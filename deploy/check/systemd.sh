#!/usr/bin/env bash
# Checks the unit: systemd reads it, rates how exposed it is, and boots in a container
# with the package installed, where the service starts, answers and is purged.
# shellcheck source=deploy/check/tools/install.sh
. "$(dirname "$0")/tools/install.sh"
# shellcheck source=deploy/check/tools/packagers.sh
. "$(dirname "$0")/tools/packagers.sh"
# shellcheck source=deploy/check/tools/debian.sh
. "$(dirname "$0")/tools/debian.sh"

must_be_root "booting systemd in a container"
packages systemd systemd-container
needs_nfpm
make -s bin/eventflow >/dev/null

work=$(mktemp -d /var/tmp/eventflow-systemd.XXXXXX)
trap 'rm -rf "$work"' EXIT
machine=$work/machine
debian "$machine"

# In the container, where the binary is that the unit names.
install -m 0755 bin/eventflow "$machine/usr/bin/eventflow"
cp -r deploy/systemd "$machine/root/"
contained=(systemd-nspawn -q -D "$machine" -M "eventflow-check-$$" --private-network --register=no --keep-unit --console=pipe)
verify() { "${contained[@]}" systemd-analyze verify --man=no --recursive-errors=yes "$1" </dev/null; }
exposed() { "${contained[@]}" systemd-analyze security --offline=yes --threshold=20 "$1" </dev/null; }
unit=/root/systemd/eventflow.service
passes "systemd reads the unit" verify $unit
passes "its exposure is at most 2.0" exposed $unit
broken() {
  mkdir -p "$machine/root/broken"
  sed "$1" deploy/systemd/eventflow.service >"$machine/root/broken/eventflow.service"
}
broken 's/^ProtectSystem=/ProtectSystm=/'
refuses "a misspelt setting" verify /root/broken/eventflow.service
broken '/^SystemCallFilter=/d; /^Protect/d; /^Private/d'
refuses "an open unit" exposed /root/broken/eventflow.service
rm -rf "$machine/usr/bin/eventflow" "$machine/root/broken" "$machine/root/systemd"

deploy/package/build.sh bin/eventflow "$(version)" "$("$GO" env GOARCH)" "$machine/root" >/dev/null
install -m 0755 deploy/check/tools/probe.sh "$machine/root/probe.sh"
cat >"$machine/etc/systemd/system/probe.service" <<'UNIT'
[Service]
Type=oneshot
ExecStart=/root/probe.sh
ExecStopPost=/bin/systemctl poweroff --no-block
[Install]
WantedBy=multi-user.target
UNIT
systemctl -q --root="$machine" enable probe.service
systemctl -q --root="$machine" set-default multi-user.target
timeout 300 "${contained[@]}" --boot </dev/null >"$work/console" 2>&1 || true
[ -s "$machine/probe.txt" ] || fail "the container did not boot: $(tail -5 "$work/console")"
grep -q '^passed$' "$machine/probe.txt" || fail "in the container: $(cat "$machine/probe.txt")"
grep '^✓' "$machine/probe.txt" | while read -r line; do say "$line"; done
