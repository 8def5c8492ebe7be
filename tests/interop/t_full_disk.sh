#!/bin/bash
# A full disk: temporary errors in each protocol, a log line that names the path, nothing acknowledged is lost, and it heals without a restart.
. "$(dirname "$0")/lib.sh"
MOUNTED=
unmount() { [ -z "$MOUNTED" ] || umount "$MOUNTED" 2>/dev/null; MOUNTED=; }
trap 'suite_stop; unmount' EXIT
probe=$(mktemp -d)
if ! mount -t tmpfs -o size=64k tmpfs "$probe" 2>/dev/null; then
  rmdir "$probe"
  echo "SKIPPED: this test needs to mount a small tmpfs (root, CAP_SYS_ADMIN)"
  echo "0 passed, 0 failed"
  exit 0
fi
umount "$probe"; rmdir "$probe"
suite_start
suite_stop
cp -a "$SUITE/data" "$SUITE/data.away"
mount -t tmpfs -o size=12m,mode=750 tmpfs "$SUITE/data" && MOUNTED=$SUITE/data
cp -a "$SUITE/data.away/." "$SUITE/data/"
suite_run
python3 "$HERE/full_disk.py" "$HOST" "$OFFSET" "$U1" "$PW" "$SUITE/data" "$SUITE/log" >"$SUITE/out" 2>&1
sed '$d' "$SUITE/out"
read -r p _ f _ <<<"$(tail -1 "$SUITE/out")"
case "$p$f" in *[!0-9]* | '') tail -20 "$SUITE/out"; fail "full_disk.py gave no result" ;; *) PASSED=$((PASSED + p)) FAILED=$((FAILED + f)) ;; esac
check "the databases are sound" "$PILLARBOX" -c "$CONF" check
suite_stop
unmount
finish
