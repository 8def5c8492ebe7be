#!/bin/bash
# What Outlook, K-9, FairEmail and Apple Mail are known to send.
. "$(dirname "$0")/lib.sh"
suite_start
python3 "$HERE/other_programs.py" "$HOST" "$OFFSET" "$CA" "$DOMAIN" "$U1" "$U2" "$PW" >"$SUITE/out" 2>&1
sed '$d' "$SUITE/out"
read -r p _ f _ <<<"$(tail -1 "$SUITE/out")"
case "$p$f" in *[!0-9]* | '') tail -5 "$SUITE/out"; fail "other_programs.py gave no result" ;; *) PASSED=$((PASSED + p)) FAILED=$((FAILED + f)) ;; esac
check "the databases are sound" "$PILLARBOX" -c "$CONF" check
finish
