#!/bin/bash
# alone
# smtpd killed with -9 while its queue drains: nothing is lost, and of a message that arrives twice the first copy was
# the last of its connection. RELAY_KILLS=50 RELAY_MESSAGES=5000 for the long form.
. "$(dirname "$0")/lib.sh"
EXPECTED_LOG='died'
KILLS=${RELAY_KILLS:-4} MESSAGES=${RELAY_MESSAGES:-400}
suite_start per_hour=0 per_day=0 new_per_day=0 first_window=10
suite_stop
printf 'transport "sink.test" {\n  host = "127.0.0.1"\n  port = %s\n  tls = "none"\n}\n' "$(port 26)" >>"$CONF"
python3 "$HERE/counting_sink.py" "$(port 26)" "$SUITE/counted" 40 & SINK=$!
SMTPD=
trap 'kill $SINK $SMTPD 2>/dev/null; suite_stop' EXIT
touch "$SUITE/counted"
sed -i -E 's|^(\s*)#?enabled = .*|\1enabled = no|' "$CONF"
suite_run
check "the queue takes $MESSAGES messages" python3 "$HERE/submit_many.py" "$HOST" "$(port 587)" "$U1" "$PW" "x@sink.test" 0 "$MESSAGES"
equal "and sends none while sending is off" "$(wc -l <"$SUITE/counted")" 0
sed -i -E 's|^(\s*)#?enabled = .*|\1enabled = yes|' "$CONF"
suite_stop
# smtpd alone, so that nobody waits longer and longer before starting it again
start_smtpd() { "$PB_BUILD/smtpd/smtpd" -c "$CONF" 2>>"$SUITE/log" & SMTPD=$!; }
start_smtpd
for kill in $(seq 1 "$KILLS"); do
  before=$(wc -l <"$SUITE/counted")
  for _ in $(seq 1 400); do [ "$(wc -l <"$SUITE/counted")" -gt $((before + 20)) ] && break; sleep 0.02; done
  kill -9 "$SMTPD"
  wait "$SMTPD" 2>/dev/null
  start_smtpd
done
for _ in $(seq 1 600); do
  left=$(awk '{print $2}' "$SUITE/counted" | sort -u | wc -l)
  [ "$left" -ge "$MESSAGES" ] && break
  sleep 0.1
done
sleep 1
python3 - "$SUITE/counted" "$MESSAGES" "$KILLS" >"$SUITE/out" 2>&1 <<'P'
import sys
rows = [line.split() for line in open(sys.argv[1])]
messages, kills = int(sys.argv[2]), int(sys.argv[3])
seen, last = {}, {}
for i, (connection, subject) in enumerate(rows):
    seen.setdefault(subject, []).append((i, connection))
    last[connection] = i
lost = [n for n in range(messages) if f"m{n}" not in seen]
double = {s: w for s, w in seen.items() if len(w) > 1}
# the answer that was not recorded is the last of its connection
wrong = [s for s, w in double.items() if any(last[c] != i for i, c in w[:-1])]
print(f"{len(rows)} taken, {len(lost)} lost, {len(double)} twice, over {len(last)} connections, {kills} kills")
assert not lost, lost[:5]
assert not wrong, wrong[:5]
P
killed=$?
kill "$SMTPD"; wait "$SMTPD" 2>/dev/null
[ $killed -eq 0 ] && pass "nothing lost, nothing doubled but what a kill cut off: $(head -1 "$SUITE/out")" || { fail "lost or doubled"; cat "$SUITE/out"; }
equal "the queue is empty" "$("$PILLARBOX" -c "$CONF" queue list --json 2>/dev/null | grep -c '"recipient"')" 0
check "the databases are sound" "$PILLARBOX" -c "$CONF" check
finish
