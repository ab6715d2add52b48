#!/bin/bash
# Runs in the container that deploy/check/systemd.sh boots: installs the package, uses
# the service as an operator would, and removes it. What it finds is in /probe.txt.
exec >/probe.txt 2>&1
set -eEuo pipefail
trap 'echo "failed: $BASH_COMMAND"; journalctl -u eventflow --no-pager | tail -20; ls -la /etc/eventflow /var/lib/eventflow' ERR

as_service() { setpriv --reuid eventflow --regid eventflow --clear-groups env EVENTFLOW_CONFIG=/etc/eventflow/eventflow.conf "$@"; }

healthy() {
  for _ in $(seq 100); do
    as_service eventflow health && return
    sleep 0.2
  done
  return 1
}

dpkg -i /root/eventflow_*.deb
healthy
systemctl is-enabled eventflow
systemctl is-active eventflow
echo "✓ the package installs, and the service is enabled, started and healthy"

[ "$(stat -c %U "/proc/$(systemctl show -p MainPID --value eventflow)")" = eventflow ]
[ "$(stat -c %a:%U /var/lib/eventflow)" = 700:eventflow ]
[ "$(stat -c %a:%U:%G /etc/eventflow/secret)" = 640:root:eventflow ]
[ "$(stat -c %a:%U:%G /etc/eventflow/eventflow.conf)" = 640:root:eventflow ]
setpriv --reuid nobody --regid nogroup --clear-groups cat /etc/eventflow/secret && false
echo "✓ it runs as eventflow; nobody else reads its secret and its data"

key=$(as_service eventflow key create --label probe --role developer 2>/dev/null)
EVENTFLOW_URL=http://127.0.0.1:8080 EVENTFLOW_KEY=$key eventflow try --stream probe
echo "✓ eventflow try goes through the whole path"

systemctl kill -s KILL eventflow
sleep 1
healthy
echo "✓ a server that was killed is started again"

dpkg -i /root/eventflow_*.deb
healthy
EVENTFLOW_URL=http://127.0.0.1:8080 EVENTFLOW_KEY=$key eventflow try --stream probe
echo "✓ an upgrade keeps secret and events"

echo EVENTFLOW_LOG_LEVEL=debug >>/etc/eventflow/eventflow.conf
systemctl reload eventflow
for _ in $(seq 100); do
  journalctl -u eventflow --no-pager | grep -q 'the settings were read again.*log-level' && break
  sleep 0.1
done
journalctl -u eventflow --no-pager | grep 'the settings were read again.*log-level'
healthy
echo "✓ a reload takes a changed setting over"

echo EVENTFLOW_QUEUE_EVENTS=few >>/etc/eventflow/eventflow.conf
systemctl restart eventflow || true
sleep 3
[ "$(systemctl show -p NRestarts --value eventflow)" = 0 ]
systemctl is-failed eventflow
journalctl -u eventflow --no-pager | grep 'setting queue-events (EVENTFLOW_QUEUE_EVENTS) must be a whole number'
sed -i '$d' /etc/eventflow/eventflow.conf
systemctl restart eventflow
healthy
echo "✓ a wrong setting is refused once, with its name in the journal"

mkdir -p /etc/systemd/system/eventflow.service.d
cat >/etc/systemd/system/eventflow.service.d/port.conf <<'UNIT'
[Service]
Environment=EVENTFLOW_ADDR=127.0.0.1:443
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
PrivateUsers=no
UNIT
systemctl daemon-reload
systemctl restart eventflow
export EVENTFLOW_ADDR=127.0.0.1:443
healthy
rm -r /etc/systemd/system/eventflow.service.d
systemctl daemon-reload
unset EVENTFLOW_ADDR
echo "✓ a drop-in opens port 443"

dpkg -r eventflow
systemctl is-active eventflow && false
[ -s /etc/eventflow/secret ] && [ -n "$(ls /var/lib/eventflow)" ]
echo "✓ removing the package keeps secret and events"

dpkg -P eventflow
[ ! -e /etc/eventflow ] && [ ! -e /var/lib/eventflow ] && [ ! -e /usr/bin/eventflow ]
echo "✓ purging it removes everything"
echo passed
