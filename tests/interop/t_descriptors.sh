#!/bin/bash
# Without descriptors a daemon answers for now, lives on, and goes on when there are some again.
. "$(dirname "$0")/lib.sh"
need prlimit
suite_start
limit() { prlimit --pid "$1" --nofile="$2":"$(prlimit --pid "$1" --nofile --output HARD --noheadings | tr -d ' ')"; }
python3 - "$HOST" "$(port 25)" "$U1" >"$SUITE/session" 2>&1 <<'P' &
import os, smtplib, sys, time
host, port, user = sys.argv[1], int(sys.argv[2]), sys.argv[3]
s = smtplib.SMTP(host, port, "c.test"); s.ehlo()
print("open", flush=True)
while not os.path.exists(os.readlink("/proc/self/fd/1") + ".few"): time.sleep(0.05)
def attempt():
    s.mail("x@remote.test"); code, _ = s.rcpt(user)
    if code == 250:
        code, _ = s.data("Subject: x\r\n\r\nx\r\n") if s.docmd("NOOP")[0] == 250 else (0, "")
    s.rset(); return code
print("few", attempt(), flush=True)
while not os.path.exists(os.readlink("/proc/self/fd/1") + ".many"): time.sleep(0.05)
print("many", attempt(), flush=True)
P
client=$!
for _ in $(seq 100); do grep -q open "$SUITE/session" && break; sleep 0.1; done
SMTPD=$(daemon_pid smtpd)
had=$(prlimit --pid "$SMTPD" --nofile --output SOFT --noheadings | tr -d ' ')
sleep 0.2
limit "$SMTPD" 5 # what is open stays open
touch "$SUITE/session.few"
for _ in $(seq 100); do grep -q few "$SUITE/session" && break; sleep 0.1; done
check "without descriptors the sender hears 4xx" grep -Eq '^few 4[0-9][0-9]$' "$SUITE/session"
# nobody is accepted, and nobody is lost: the connection waits
(exec 3<>"/dev/tcp/$HOST/$(port 25)"; read -r -t 10 line <&3; echo "$line") >"$SUITE/waited" &
waiting=$!
ticks() { awk '{print $14 + $15}' "/proc/$SMTPD/stat"; }
at=$(ticks)
sleep 1
took=$((($(ticks) - at) * 1000 / $(getconf CLK_TCK)))
if [ $took -lt 300 ]; then pass "which makes no work"; else fail "that took $took ms of processor a second"; fi
[ ! -s "$SUITE/waited" ] && pass "a new client waits" || fail "a new client was served: $(cat "$SUITE/waited")"
check "the log says why" grep -q 'accept_paused' "$SUITE/log"
limit "$SMTPD" "$had"
touch "$SUITE/session.many"
wait $waiting
check "the client that waited is greeted" grep -q '^220 ' "$SUITE/waited"
wait $client
check "the same session delivers" grep -q '^many 250$' "$SUITE/session"
equal "messages" "$(count $U1)" 1
equal "smtpd lives on" "$(daemon_pid smtpd)" "$SMTPD"
finish
