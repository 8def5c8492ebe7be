#!/bin/bash
# Thunderbird's conversations, replayed: account set-up, five connections, reading, filing, searching, sending, POP3.
. "$(dirname "$0")/lib.sh"
suite_start
python3 "$HERE/thunderbird.py" "$HOST" "$OFFSET" "$CA" "$DOMAIN" "$U1" "$U2" "$PW" >"$SUITE/out" 2>&1
sed '$d' "$SUITE/out"
read -r p _ f _ <<<"$(tail -1 "$SUITE/out")"
case "$p$f" in *[!0-9]* | '') tail -5 "$SUITE/out"; fail "thunderbird.py gave no result" ;; *) PASSED=$((PASSED + p)) FAILED=$((FAILED + f)) ;; esac
check "the databases are sound" "$PILLARBOX" -c "$CONF" check
finish
