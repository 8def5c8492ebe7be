#!/bin/bash
# Python's smtplib, poplib, imaplib
. "$(dirname "$0")/lib.sh"
suite_start
python3 "$HERE/python_clients.py" "$HOST" "$OFFSET" "$CA" "$U1" "$U2" "$PW" >"$SUITE/out" 2>&1
cat "$SUITE/out" | sed '$d'
read -r p _ f _ <<<"$(tail -1 "$SUITE/out")"
case "$p$f" in *[!0-9]* | '') cat "$SUITE/out"; fail "python_clients.py gave no result" ;; *) PASSED=$((PASSED + p)) FAILED=$((FAILED + f)) ;; esac
finish
