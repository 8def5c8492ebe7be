#!/bin/bash
# alone
# A folder of 100,000 messages is used, and other sessions hardly notice (huge_folder.py). HUGE_MESSAGES makes it smaller.
. "$(dirname "$0")/lib.sh"
suite_start
python3 "$HERE/huge_folder.py" $HOST "$(port 143)" $U1 "$PW" $U2 "${HUGE_MESSAGES:-100000}" >"$SUITE/out" 2>&1
sed '$d' "$SUITE/out"
read -r p _ f _ <<<"$(tail -1 "$SUITE/out")"
case "$p$f" in *[!0-9]* | '') tail -20 "$SUITE/out"; fail "huge_folder.py gave no result" ;; *) PASSED=$((PASSED + p)) FAILED=$((FAILED + f)) ;; esac
check "the databases are sound" "$PILLARBOX" -c "$CONF" check
finish
