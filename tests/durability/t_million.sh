#!/bin/bash
# alone
# Serving again within a second with a million messages stored; only with LONG=1. MESSAGES, MILLION_KILLS, READY_MS set one of these.
. "$(dirname "$0")/../interop/lib.sh"
TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case ${LONG:-} in '' | 0) echo "skip: LONG=1 runs it"; echo "0 passed, 0 failed"; exit 0 ;; esac
INTEROP_SLOT=5 # beside what else is tested on this machine
suite_start lmtp_port=24 max_mails=1000000
suite_stop
echo "$PW" | "$PILLARBOX" -c "$CONF" account add m1@$DOMAIN --password-stdin >>"$SUITE/log" 2>&1 || fail "account add"
KILLS=${MILLION_KILLS:-30} PYTHONDONTWRITEBYTECODE=1 python3 "$TESTS/million.py" "$PB_BUILD" "$SUITE" "$OFFSET" "$PW" "$PB_BUILD/tests/durability/deliver_load" | tee "$SUITE/said"
PASSED=$((PASSED + $(grep -c '^ok  ' "$SUITE/said"))) FAILED=$((FAILED + $(grep -c '^FAIL ' "$SUITE/said")))
[ $((PASSED + FAILED)) -ge 2 ] || fail "the run gave no verdict"
finish
