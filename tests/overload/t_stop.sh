#!/bin/bash
# A reload drops nobody; a stop drains.
. "$(dirname "$0")/../attacks/attack.sh"
EXPECTED_LOG="daemon_died.*exit status 0" # it is asked to
suite_start max_connections_per_address=100 password_threads=8 max_memory=1G
A_HOST=$HOST A_OFFSET=$OFFSET A_SUITE=$SUITE A_U1=$U1 A_U2=$U2 A_PW=$PW A_CONF=$CONF A_PILLARBOX=$PILLARBOX A_SMTPD=$(daemon_pid smtpd) A_POP3D=$(daemon_pid pop3d) \
  A_IMAPD=$(daemon_pid imapd) python3 "$(dirname "$0")/stop.py" >"$SUITE/out" 2>&1
sed '$d' "$SUITE/out"
read -r p _ f _ <<<"$(tail -1 "$SUITE/out")"
case "$p$f" in *[!0-9]* | '') tail -20 "$SUITE/out"; fail "stop.py gave no result" ;; *) PASSED=$((PASSED + p)) FAILED=$((FAILED + f)) ;; esac
finish
