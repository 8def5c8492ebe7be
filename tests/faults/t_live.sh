#!/bin/bash
# The daemons themselves, with a clock that is set back and forth under them, and with threads that can't be had at the start.
. "$(dirname "$0")/../interop/lib.sh"
need python3
export LIVE_FAULTS
LIVE_FAULTS=$(mktemp /tmp/pillarbox-live.XXXXXX)
# want SECONDS THREAD: as long as the one before, so that it is never half there
want() { printf '%+012d %03d ' "$1" "$2" | dd of="$LIVE_FAULTS" conv=notrunc status=none; }
truncate -s 64 "$LIVE_FAULTS"
want 0 0
suite_start
suite_stop
# nobody listens there: what goes to it waits
printf 'transport "away.test" {\n  host = "127.0.0.1"\n  port = %s\n  tls = "none"\n}\n' "$(port 26)" >>"$CONF"
export LD_PRELOAD=$PB_BUILD/tests/faults/live_faults.so
suite_run
unset LD_PRELOAD
python3 "$(dirname "$0")/live.py" "$HOST" "$OFFSET" "$U1" "$PW" "$LIVE_FAULTS" >"$SUITE/session" 2>&1
while IFS= read -r line; do
  case $line in ok\ *) pass "${line#ok }" ;; *) fail "$line" ;; esac
done <"$SUITE/session"
check "the log says that the clock went back" grep -q 'clock_jumped by_ms=-' "$SUITE/log"
"$PILLARBOX" -c "$CONF" queue list --json >"$SUITE/queue"
check "no attempt is put off for longer than ever" python3 -c 'import json, sys, time
rows = json.load(open(sys.argv[1])); late = [r for r in rows if r["next_attempt"] > time.time() + 5 * 3600]
print(len(rows), late); sys.exit(bool(late) or not rows)' "$SUITE/queue"
check "nothing is damaged" "$PILLARBOX" -c "$CONF" check
suite_stop

# Each thread at the start, until all can be had: the daemon says so and ends, or serves with less.
for daemon in smtpd pop3d imapd; do
  ended=0 served=0 silent=
  for n in $(seq 1 60); do
    want 0 "$n"
    : >"$SUITE/one"
    LD_PRELOAD=$PB_BUILD/tests/faults/live_faults.so "$PB_BUILD/$daemon/$daemon" -c "$CONF" >>"$SUITE/one" 2>&1 &
    pid=$!
    for _ in $(seq 100); do grep -q ' ready ' "$SUITE/one" && break; kill -0 $pid 2>/dev/null || break; sleep 0.05; done
    if grep -q ' ready ' "$SUITE/one"; then
      served=$((served + 1)); kill -TERM $pid; wait $pid
      [ $ended -gt 0 ] && [ "$n" -gt "${LIVE_THREADS:-24}" ] && break
    else
      kill -0 $pid 2>/dev/null && silent="$silent $n(hangs)" && kill -KILL $pid
      wait $pid; [ $? -lt 128 ] || silent="$silent $n(signal)"
      grep -Eq ' (error|warn) ' "$SUITE/one" || silent="$silent $n(silent)"
      ended=$((ended + 1))
    fi
    [ "$n" -lt "${LIVE_THREADS:-24}" ] || break
  done
  equal "$daemon: $ended times it said that it can't start, $served times it served" "$silent" ""
done
rm -f "$LIVE_FAULTS"
finish
