#!/bin/bash
# A daemon's memory after logins of every kind: the password must be nowhere in it, neither as it is nor in base64.
. "$(dirname "$0")/lib.sh"
case "$(nm -D "$PB_BUILD/imapd/imapd" 2>/dev/null)" in *__asan*|*__tsan*) echo "SKIPPED: a sanitizer keeps what was freed"; echo "0 passed, 0 failed"; exit 0 ;; esac
if [ "$(id -u)" != 0 ]; then echo "SKIPPED: only root looks into the daemons' memory"; echo "0 passed, 0 failed"; exit 0; fi
PW='Qy7vex"edKestrel4ubiquitous'
suite_start login_failure_delay=100ms
python3 "$HERE/secrets.py" "$HOST" "$OFFSET" "$CA" "$U1" "$PW" smtpd="$(daemon_pid smtpd)" pop3d="$(daemon_pid pop3d)" imapd="$(daemon_pid imapd)" >"$SUITE/rows" 2>&1
cat "$SUITE/rows"
PASSED=$((PASSED + $(grep -c '^ok ' "$SUITE/rows"))) FAILED=$((FAILED + $(grep -c '^FAIL ' "$SUITE/rows")))
grep -q '^ok   all ways were tried' "$SUITE/rows" || fail "secrets.py came to its end"
finish
