#!/bin/bash
# alone
# smtpd killed with -9 in the middle of deliveries: what was answered 250 is there, once.
. "$(dirname "$0")/lib.sh"
EXPECTED_LOG='died'
suite_start
: >"$SUITE/acked"
for round in 1 2 3 4 5; do
  python3 "$HERE/deliver_until_cut.py" "$HOST" "$(port 25)" "$U1" "$round" "$SUITE/acked" &
  client=$!
  sleep "0.$((2 + round))"
  pid=$(daemon_pid smtpd)
  [ -n "$pid" ] && kill -9 "$pid"
  wait $client
  for _ in $(seq 1 100); do (exec 3<>"/dev/tcp/$HOST/$(port 25)") 2>/dev/null && break; sleep 0.1; done
  (exec 3<>"/dev/tcp/$HOST/$(port 25)") 2>/dev/null && pass "round $round: smtpd is back" || fail "round $round: smtpd did not come back"
done
python3 - "$HERE" "$HOST" "$(port 143)" "$U1" "$PW" "$SUITE/acked" >"$SUITE/out" 2>&1 <<'P'
import re, sys; sys.path.insert(0, sys.argv[1])
from imapwire import Imap
c = Imap(sys.argv[2], int(sys.argv[3])); c.login(sys.argv[4], sys.argv[5]); c.cmd("EXAMINE INBOX")
rows = c.fetch("FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
there = {}
for r in rows.values():
    (v,) = [x for k, x in r.items() if k.startswith("BODY[")]
    s = re.search(rb"Subject: (\S+)", v).group(1).decode(); there[s] = there.get(s, 0) + 1
acked = [x.strip() for x in open(sys.argv[6])]
lost = [a for a in acked if a not in there]; double = [k for k, v in there.items() if v > 1]
print(len(acked), "acknowledged,", len(there), "stored,", len(lost), "lost,", len(double), "double")
assert len(acked) > 50, "too few to tell"
assert not lost and not double, (lost[:5], double[:5])
P
[ $? -eq 0 ] && pass "nothing acknowledged was lost or doubled: $(head -1 "$SUITE/out")" || { fail "lost or doubled"; cat "$SUITE/out"; }
check "the databases are sound" "$PILLARBOX" -c "$CONF" check
finish
