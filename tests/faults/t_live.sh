#!/bin/bash
# The daemons themselves: a clock that is set back and forth under them, threads that can't be had at the start, certificates that are broken.
. "$(dirname "$0")/../interop/lib.sh"
need python3 openssl curl
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
rows = json.load(open(sys.argv[1])); late = [r for r in rows if r["recipient"]["next_attempt"] > time.time() + 5 * 3600]
print(len(rows), late); sys.exit(bool(late) or not rows)' "$SUITE/queue"
check "nothing is damaged" "$PILLARBOX" -c "$CONF" check
suite_stop

# Each thread at the start, until all can be had: the daemon says so and ends, or serves with less.
case ${LONG:-} in '' | 0) step=7 ;; *) step=1 ;; esac
for daemon in smtpd pop3d imapd; do
  ended=0 served=0 silent=
  for n in $(seq 1 "$step" 60); do
    want 0 "$n"
    : >"$SUITE/one"
    LD_PRELOAD=$PB_BUILD/tests/faults/live_faults.so "$PB_BUILD/$daemon/$daemon" -c "$CONF" >>"$SUITE/one" 2>&1 &
    pid=$!
    for _ in $(seq 100); do grep -q ' ready ' "$SUITE/one" && break; kill -0 $pid 2>/dev/null || break; sleep 0.05; done
    if grep -q ' ready ' "$SUITE/one"; then
      served=$((served + 1)); kill -TERM $pid; wait $pid
      [ $served -lt 2 ] || break # it has not so many
    else
      kill -0 $pid 2>/dev/null && silent="$silent $n(hangs)" && kill -KILL $pid
      wait $pid; [ $? -lt 128 ] || silent="$silent $n(signal)"
      grep -Eq ' (error|warn) ' "$SUITE/one" || silent="$silent $n(silent)"
      ended=$((ended + 1))
    fi
  done
  equal "$daemon: $ended times it said that it can't start, $served times it served" "$silent" ""
done
rm -f "$LIVE_FAULTS"

# Certificates that are not as they should be: not begun with, and not taken by a reload, which keeps the old one.
made=$SUITE/tls-made
cp -a "$SUITE/tls" "$made"
certificate=$SUITE/tls/server.pem key=$SUITE/tls/server-key.pem
spoil() {
  rm -rf "$SUITE/tls"; cp -a "$made" "$SUITE/tls"
  case $1 in
    "no key") rm "$key" ;;
    "no certificate") rm "$certificate" ;;
    "a broken certificate") echo nonsense >"$certificate" ;;
    "a broken key") head -c 40 "$made/${key##*/}" >"$key" ;;
    "another's key") openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$key" 2>/dev/null || openssl ecparam -name prime256v1 -genkey -noout -out "$key" ;;
  esac
}
suite_run
for what in "no key" "no certificate" "a broken certificate" "a broken key" "another's key"; do
  spoil "$what"
  timeout 10 "$PB_BUILD/imapd/imapd" -c "$CONF" >"$SUITE/out" 2>&1
  status=$?
  if [ $status -gt 0 ] && [ $status -lt 124 ] && grep -q "${SUITE}/tls/" "$SUITE/out"; then pass "$what: imapd does not start and names the file"; else fail "$what: status $status: $(cat "$SUITE/out")"; fi
  before=$(grep -c reload_failed "$SUITE/log")
  kill -HUP $SUITE_PID
  for _ in $(seq 50); do [ "$(grep -c reload_failed "$SUITE/log")" -ge $((before + 3)) ] && break; sleep 0.1; done
  equal "$what: each daemon says that it was not read anew" "$(($(grep -c reload_failed "$SUITE/log") - before))" 3
  check "$what: the old one goes on" curl -sS --cacert "$made/ca.pem" "imaps://localhost:$(port 993)/" -u "$U1:$PW"
done
spoil nothing
suite_stop
finish
