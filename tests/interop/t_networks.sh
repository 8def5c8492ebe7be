#!/bin/bash
# The limits of a whole network, at each daemon, in a network namespace of its own: behind loopback is nobody's network.
# Who has not logged in counts apart, who logs in or leaves makes room, a /24 and a /48 are one network, the next one is another.
if [ -z "${PB_NETWORK:-}" ]; then
  for how in -n -rn; do
    unshare $how true 2>/dev/null && PB_NETWORK=own exec unshare $how "$BASH" "$0" "$@"
  done
  echo "SKIPPED: no network namespace can be made"; echo "0 passed, 0 failed"; exit 0
fi
. "$(dirname "$0")/lib.sh"
need ip python3
ip link set lo up
for i in $(seq 1 9); do ip addr add 198.51.100.$i/24 dev lo; ip addr add 2001:db8:1:$i::1/64 dev lo; done
ip addr add 203.0.113.1/24 dev lo; ip addr add 2001:db8:2::1/64 dev lo
suite_start 'listen={"0.0.0.0", "::"}' max_connections_per_network=5 max_logins_per_network=3
python3 "$HERE/networks.py" "$OFFSET" "$U1" "$PW" >"$SUITE/out" 2>&1
sed '$d' "$SUITE/out"
read -r p _ f _ <<<"$(tail -1 "$SUITE/out")"
case "$p$f" in *[!0-9]* | '') fail "networks.py gave no result"; tail -5 "$SUITE/out" ;; *) PASSED=$((PASSED + p)) FAILED=$((FAILED + f)) ;; esac
for d in imapd pop3d smtpd; do
  for l in max_logins_per_network max_connections_per_network; do
    check "$d logs that $l was reached, and by whom" grep -Eq "warn $d connection_refused listener=[a-z0-9]+ peer=198\.51\.100\.[1-9] err=DENIED limit=$l " "$SUITE/log"
  done
done
refuse "nobody else was refused" grep -Eq 'connection_refused .*(peer=203|peer=2001:db8:2:|err=(LIMIT|BUSY|NOMEM))' "$SUITE/log"
finish
