#!/bin/bash
# alone
# Daemons killed with -9 at random moments under mixed load: what was acknowledged is there, once (kills.py).
# LONG=1: 500 kills and 200,000 deliveries. KILLS, DELIVERIES, SEED, KILL_MEAN_S, SESSIONS, RATE, READY_MS set one of these.
. "$(dirname "$0")/../interop/lib.sh"
TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
INTEROP_SLOT=6 # beside what else is tested on this machine
suite_start per_hour=0 per_day=0 new_per_day=0 suppress=0 retry_first=1s lmtp_port=24 max_mails=1000000 default_quota=100G \
  max_connections_per_address=200
suite_stop
printf 'transport "sink.test" {\n  host = "127.0.0.1"\n  port = %s\n  tls = "none"\n}\n' "$(port 26)" >>"$CONF"
for u in d1 d2 d3 f1 i1 i2 j1 j2 p1 p2 s1 h1; do
  echo "$PW" | "$PILLARBOX" -c "$CONF" account add $u@$DOMAIN --password-stdin >>"$SUITE/log" 2>&1 || { fail "account add $u"; finish; }
done
"$PILLARBOX" -c "$CONF" alias add forward@$DOMAIN f1@$DOMAIN out@sink.test >>"$SUITE/log" 2>&1 || fail "alias add"
python3 "$HERE/counting_sink.py" "$(port 26)" "$SUITE/counted" & SINK=$!
trap 'kill $SINK 2>/dev/null; suite_stop' EXIT
touch "$SUITE/counted"
PYTHONDONTWRITEBYTECODE=1 python3 "$TESTS/kills.py" "$PB_BUILD" "$SUITE" "$OFFSET" "$PW" "$PB_BUILD/tests/durability/deliver_load" | tee "$SUITE/said"
grep -E '^(ok  |FAIL) ' "$SUITE/said" >"$SUITE/verdicts"
PASSED=$((PASSED + $(grep -c '^ok' "$SUITE/verdicts"))) FAILED=$((FAILED + $(grep -c '^FAIL' "$SUITE/verdicts")))
[ $((PASSED + FAILED)) -ge 2 ] || fail "the run gave no verdict"
kill $SINK
EXPECTED_LOG='err=CORRUPT' # of the faults made on purpose; kills.py has read the log before them
finish
