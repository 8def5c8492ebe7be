#!/bin/bash
# The suite as an ordinary user, and an account whose files it may not write: temporary errors, a log line with the path; it heals by itself.
. "$(dirname "$0")/lib.sh"
EXPECTED_LOG='no such line'
if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null; then
  echo "SKIPPED: this test changes owners, it needs root and setpriv"
  echo "0 passed, 0 failed"
  exit 0
fi
suite_start
suite_stop
chown -R nobody "$SUITE"
REAL=$PILLARBOX
printf '#!/bin/sh\nexec setpriv --reuid=nobody --regid=nogroup --clear-groups %s "$@"\n' "$REAL" >"$SUITE/as-nobody"
chmod 755 "$SUITE/as-nobody"
PILLARBOX=$SUITE/as-nobody
suite_run
equal "imapd runs as nobody" "$(stat -c %U "/proc/$(daemon_pid imapd)")" nobody
deliver() { message $U1 "$1" | curl -sS --max-time 20 "smtp://$HOST:$(port 25)" --mail-from x@remote.test --mail-rcpt $U1 -T - -v; }
check "mail is taken" deliver one
suite_stop
account=$(dirname "$(find "$SUITE/data/accounts" -name mail.db | sort | head -1)")
chown -R root "$account" && chmod -R a-w,a+rX "$account"
suite_run
refuse "a mailbox that can't be written to puts mail off" deliver two
has "with 451 or 452" '^< 45[12] 4'
python3 - "$HERE" "$HOST" "$(port 143)" "$U1" "$PW" >"$SUITE/out" 2>&1 <<'P' && pass "IMAP says NO" || { fail "IMAP says NO"; cat "$SUITE/out"; }
import sys; sys.path.insert(0, sys.argv[1])
from imapwire import Imap, Wrong
c = Imap(sys.argv[2], int(sys.argv[3])); c.login(sys.argv[4], sys.argv[5])
try:
    c.cmd("APPEND INBOX", b"Subject: x\r\n\r\ny\r\n"); sys.exit("APPEND succeeded")
except Wrong as e:
    assert " NO " in e.args[0], e
try:
    c.cmd("CREATE new"); sys.exit("CREATE succeeded")
except Wrong as e:
    assert " NO " in e.args[0], e
c.cmd("LOGOUT")
P
grep -aq "$account" "$SUITE/log" && grep -a "$account" "$SUITE/log" | grep -aq 'error\|warn' && pass "the log names the path" || { fail "the log does not name $account"; tail -5 "$SUITE/log"; }
check "the other account is not touched by it" bash -c "printf 'Subject: a\r\n\r\nb\r\n' | curl -sS smtp://$HOST:$(port 25) --mail-from x@remote.test --mail-rcpt $U2 -T -"
chown -R nobody "$account" && chmod -R u+w "$account"
for _ in $(seq 1 50); do deliver three >"$SUITE/out" 2>&1 && break; sleep 1; done
check "with its rights back it heals without a restart" deliver four
finish
