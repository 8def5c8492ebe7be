#!/bin/bash
# The real Thunderbird in a profile of its own under Xvfb. Not part of the default run: it needs some 200 MB of packages
# (thunderbird xvfb xdotool imagemagick libnss3-tools) and two minutes; `make interop-thunderbird` runs it.
# THUNDERBIRD_SHOTS=DIR keeps its screenshots. Where the kernel lets it, all of it runs in a network that has nothing but loopback.
if [ -z "${PB_NETWORK:-}" ]; then
  for how in -n -rn; do
    unshare $how true 2>/dev/null && PB_NETWORK=own exec unshare $how "$BASH" "$0" "$@"
  done
fi
[ "${PB_NETWORK:-}" != own ] || ip link set lo up || exit 1
. "$(dirname "$0")/lib.sh"
need thunderbird Xvfb xdotool import certutil
suite_start
mkdir "$SUITE/thunderbird"
timeout -k 30 400 python3 "$HERE/thunderbird_real.py" "$HOST" "$OFFSET" "$CA" "$DOMAIN" "$U1" "$U2" "$PW" "$SUITE/thunderbird" >"$SUITE/out" 2>&1
sed '$d' "$SUITE/out"
read -r p _ f _ <<<"$(tail -1 "$SUITE/out")"
case "$p$f" in *[!0-9]* | '') fail "thunderbird_real.py gave no result" ;; *) PASSED=$((PASSED + p)) FAILED=$((FAILED + f)) ;; esac
grep -q '^Traceback' "$SUITE/out" && fail "thunderbird_real.py stopped half way"
check "the databases are sound" "$PILLARBOX" -c "$CONF" check
finish
