#!/bin/bash
# A damaged mail.db: its account alone has errors, and such as pass; `pillarbox check --repair` beside the daemons brings it back.
. "$(dirname "$0")/../interop/lib.sh"
EXPECTED_LOG='CORRUPT'
suite_start
account=$("$PILLARBOX" -c "$CONF" account list --json | python3 -c "import json, sys; print(next(a['id'] for a in json.load(sys.stdin) if a['address'] == '$U1'))")
db=$SUITE/data/accounts/$account/mail.db
# deliver TO SUBJECT: says the code of the answer
deliver() {
  message "$1" "$2" | python3 -c '
import smtplib, sys
try:
    smtplib.SMTP(sys.argv[1], int(sys.argv[2])).sendmail("x@elsewhere.test", [sys.argv[3]], sys.stdin.buffer.read())
except smtplib.SMTPRecipientsRefused as e:
    sys.exit("answer %d" % list(e.recipients.values())[0][0])
except smtplib.SMTPResponseException as e:
    sys.exit("answer %d" % e.smtp_code)' "$HOST" "$(port 25)" "$1" >"$SUITE/out" 2>&1
}
for i in 1 2 3 4 5 6 7 8; do deliver $U1 "mail $i"; done
check "the other account gets mail" deliver $U2 first
equal "all are there" "$(count $U1)" 8
suite_stop
cp -a "$SUITE/data" "$SUITE/good"
# spoil WHAT: header, pages, short or wal
spoil() {
  rm -rf "$SUITE/data"; cp -a "$SUITE/good" "$SUITE/data"
  python3 - "$db" "$1" <<'P'
import os, sqlite3, sys
path, what = sys.argv[1:]
if what != "wal":
    db = sqlite3.connect(path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'entry_page'").fetchone()[0]
    db.close()
size = os.path.getsize(path)
with open(path if what != "wal" else path + "-wal", "r+b") as f:
    if what == "header":
        f.write(b"\xa5" * 100)
    elif what == "page":
        f.seek((root - 1) * 4096)
        f.write(b"\xa5" * 4096)
    elif what == "short":
        f.truncate(size // 2 // 4096 * 4096 + 1000)
    else:
        f.seek(32 + 24 + 4096 + 500)
        f.write(b"\xa5" * 400)
P
}
for what in header page short; do
  spoil $what
  : >"$SUITE/log"
  suite_run
  refuse "$what: mail for the account is put off" deliver $U1 more
  has "$what: with 451" '^answer 451$'
  check "$what: another account gets mail" deliver $U2 more
  refuse "$what: its owner is not told of an empty folder" [ "$(count $U1 2>/dev/null)" = 0 ]
  has_log=$(grep -c 'err=CORRUPT' "$SUITE/log")
  if [ "$has_log" -gt 0 ] && [ "$has_log" -lt 20 ]; then pass "$what: the log tells ($has_log lines)"; else fail "$what: $has_log lines in the log"; fi
  if grep ' store .*err=CORRUPT' "$SUITE/log" | grep -qv "account=$account .*check --repair $account"; then fail "$what: a line of the log does not say what to do"; else pass "$what: each of its lines names the account and what to do"; fi
  "$PILLARBOX" -c "$CONF" check $U1 >"$SUITE/out" 2>&1
  has "$what: check says what to do" 'check --repair'
  check "$what: it is repaired, the daemons running" "$PILLARBOX" -c "$CONF" check --repair "$account"
  has "$what: the damaged file is kept" 'damaged file is kept as .*mail.db.damaged-'
  check "$what: it is sound" "$PILLARBOX" -c "$CONF" check $U1
  check "$what: its mail comes again" deliver $U1 again
  if [ $what = short ]; then
    if [ "$(count $U1)" -gt 0 ]; then pass "$what: its owner can read"; else fail "$what: nothing to read"; fi
  else
    total=$(($(count $U1) + $(count $U1 Recovered 2>/dev/null || echo 0)))
    equal "$what: everything is there" $total 9
  fi
  suite_stop
done
spoil wal
suite_run
check "wal: mail comes, since what is damaged of a log ends it" deliver $U1 again
check "wal: it is sound" "$PILLARBOX" -c "$CONF" check $U1
finish
