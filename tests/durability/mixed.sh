# shellcheck shell=bash disable=SC2034
# tests/durability/mixed.sh - sourced by the scripts here, on top of tests/interop/lib.sh: a suite with the accounts of the mixed load, and the other server.
TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# mixed_suite [NAME=VALUE...]: it does not run yet; the other server does, and writes what it takes into $SUITE/counted.
mixed_suite() {
  suite_start per_hour=0 per_day=0 new_per_day=0 suppress=0 retry_first=1s lmtp_port=24 max_mails=1000000 default_quota=100G "$@"
  suite_stop
  printf 'transport "sink.test" {\n  host = "127.0.0.1"\n  port = %s\n  tls = "none"\n}\n' "$(port 26)" >>"$CONF"
  local u
  for u in d1 d2 d3 f1 i1 i2 j1 j2 p1 p2 s1 h1 ${MORE_ACCOUNTS:-}; do
    echo "$PW" | "$PILLARBOX" -c "$CONF" account add $u@$DOMAIN --password-stdin >>"$SUITE/log" 2>&1 || { fail "account add $u"; finish; }
  done
  "$PILLARBOX" -c "$CONF" alias add forward@$DOMAIN f1@$DOMAIN out@sink.test >>"$SUITE/log" 2>&1 || fail "alias add"
  touch "$SUITE/counted"
  python3 "$HERE/counting_sink.py" "$(port 26)" "$SUITE/counted" & SINKS=$!
  trap 'kill $SINKS 2>/dev/null; suite_stop' EXIT
}

# mixed_run PROGRAM VERDICTS: its lines with a verdict are counted; there are so many at least.
mixed_run() {
  PYTHONDONTWRITEBYTECODE=1 python3 "$TESTS/$1" "$PB_BUILD" "$SUITE" "$OFFSET" "$PW" "$PB_BUILD/tests/durability/deliver_load" | tee "$SUITE/said"
  grep -E '^(ok  |FAIL) ' "$SUITE/said" >"$SUITE/verdicts"
  PASSED=$((PASSED + $(grep -c '^ok' "$SUITE/verdicts"))) FAILED=$((FAILED + $(grep -c '^FAIL' "$SUITE/verdicts")))
  [ $((PASSED + FAILED)) -ge "$2" ] || fail "the run gave no verdict"
  kill $SINKS
  EXPECTED_LOG='err=CORRUPT' # of the faults made on purpose; the log was read before them
  finish
}
