#!/bin/bash
# Bad input to every port gets the protocol's own error, and the daemons live on.
. "$(dirname "$0")/lib.sh"
suite_start max_connections_per_address=500
before="$(daemon_pid smtpd) $(daemon_pid pop3d) $(daemon_pid imapd)"
python3 "$HERE/bad_input.py" "$HOST" "$OFFSET" "$U1" "$PW" >"$SUITE/out" 2>&1
sed '$d' "$SUITE/out"
read -r p _ f _ <<<"$(tail -1 "$SUITE/out")"
case "$p$f" in *[!0-9]* | '') tail -20 "$SUITE/out"; fail "bad_input.py gave no result" ;; *) PASSED=$((PASSED + p)) FAILED=$((FAILED + f)) ;; esac
equal "no daemon was restarted" "$(daemon_pid smtpd) $(daemon_pid pop3d) $(daemon_pid imapd)" "$before"
finish
