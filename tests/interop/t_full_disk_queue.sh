#!/bin/bash
# The disk fills up while the queue is being sent: what the other side has taken can't be recorded, so nothing more is sent;
# memory does not grow; with room again sending goes on without a restart, and no message has gone out twice.
. "$(dirname "$0")/lib.sh"
MOUNTED=
unmount() { [ -z "$MOUNTED" ] || umount "$MOUNTED" 2>/dev/null; MOUNTED=; }
SINK=
trap 'kill $SINK 2>/dev/null; suite_stop; unmount' EXIT
probe=$(mktemp -d)
if ! mount -t tmpfs -o size=64k tmpfs "$probe" 2>/dev/null; then
  rmdir "$probe"
  echo "SKIPPED: this test needs to mount a small tmpfs (root, CAP_SYS_ADMIN)"
  echo "0 passed, 0 failed"
  exit 0
fi
umount "$probe"; rmdir "$probe"
suite_start per_hour=0 per_day=0 new_per_day=0 first_window=2 max_window=4
suite_stop
printf 'transport "sink.test" {\n  host = "127.0.0.1"\n  port = %s\n  tls = "none"\n}\n' "$(port 26)" >>"$CONF"
cp -a "$SUITE/data" "$SUITE/data.away"
mount -t tmpfs -o size=12m,mode=750 tmpfs "$SUITE/data" && MOUNTED=$SUITE/data
chown --reference="$SUITE/data.away" "$SUITE/data"
cp -a "$SUITE/data.away/." "$SUITE/data/"
touch "$SUITE/counted" "$SUITE/counted.begun"
python3 "$HERE/counting_sink.py" "$(port 26)" "$SUITE/counted" 500 & SINK=$!
sending() { sed -i -E "s|^(\s*)#?enabled = .*|\1enabled = $1|" "$CONF"; }
submit() { python3 "$HERE/submit_many.py" "$HOST" "$(port 587)" "$U1" "$PW" "$@"; } # TO FIRST COUNT [CONNECTIONS]
wait_for() { local i; for i in $(seq 1 "${2:-100}"); do eval "$1" && return 0; sleep 0.1; done; return 1; }
taken() { wc -l <"$SUITE/counted"; }
memory() { awk '/^RssAnon/ {print $2}' "/proc/$(daemon_pid smtpd)/status"; } # KB
sending no
suite_run
check "messages are queued" submit x@sink.test 0 40
suite_stop
sending yes
suite_run
wait_for '[ "$(taken)" -ge 2 ]'
dd if=/dev/zero of="$SUITE/data/filler" bs=4k >/dev/null 2>&1
wait_for 'grep -q "op=record err=NO_SPACE" "$SUITE/log"' 200
check "the log says that nothing more is sent" grep -q 'outbound op=record err=NO_SPACE .*nothing more is sent' "$SUITE/log"
sleep 2
at=$(taken) from=$(memory)
refuse "a message is put off meanwhile" submit x@sink.test 900 1 1
has "with a temporary error" "b'45[12] 4"
sleep 8
equal "nothing more is sent" "$(taken)" "$at"
if [ "$at" -lt 30 ]; then pass "$at of 40 had been"; else fail "$at of 40 were sent, too many to tell"; fi
grown=$(($(memory) - from))
if [ $grown -lt 2000 ]; then pass "memory does not grow ($grown KB)"; else fail "memory grew by $grown KB"; fi
if [ "$(grep -c 'NO_SPACE' "$SUITE/log")" -lt 80 ]; then pass "nor does the log"; else fail "$(grep -c 'NO_SPACE' "$SUITE/log") lines in the log"; fi
rm "$SUITE/data/filler"
wait_for '[ "$(taken)" -ge 40 ]' 600
equal "with room again all go out" "$(awk '{print $2}' "$SUITE/counted" | sort -u | wc -l)" 40
equal "each once" "$(taken)" 40
wait_for '[ "$("$PILLARBOX" -c "$CONF" queue list --json)" = "[]" ]'
equal "and leave the queue" "$("$PILLARBOX" -c "$CONF" queue list --json | tr -d '[:space:]')" "[]"
check "the databases are sound" "$PILLARBOX" -c "$CONF" check
suite_stop
unmount
finish
