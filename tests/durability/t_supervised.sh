#!/bin/bash
# alone
# `pillarbox run`: a daemon killed with -9 is started again and serves within a second, each time; the supervisor killed with -9 takes its
# daemons along, and can be started anew at once.
. "$(dirname "$0")/../interop/lib.sh"
INTEROP_SLOT=7 # beside what else is tested on this machine
EXPECTED_LOG='died'
suite_start
case ${LONG:-} in '' | 0) LIMIT_MS=3000 ;; *) LIMIT_MS=1000 ;; esac
now_ms() { echo $(($(date +%s%N) / 1000000)); }
# greets PORT: whoever listens there says something
greets() { local line=; { read -r -t 5 line <&3; } 3<>"/dev/tcp/$HOST/$(port "$1")" && [ -n "$line" ]; } 2>/dev/null
# refused PORT: nobody listens
refused() { ! (exec 3<>"/dev/tcp/$HOST/$(port "$1")") 2>/dev/null; }
wait_greeting() { local i; for i in $(seq 1 2000); do greets "$1" && return 0; sleep 0.005; done; return 1; }
while read -r daemon port; do
  for _ in $(seq 1 200); do pid=$(daemon_pid "$daemon"); [ -n "$pid" ] && break; sleep 0.01; done
  began=$(now_ms)
  kill -9 "$pid"
  wait_greeting "$port" || fail "$daemon did not come back"
  took=$(($(now_ms) - began))
  [ $took -le $LIMIT_MS ] && pass "$daemon is killed and serves again after $took ms" || fail "$daemon served again after $took ms"
done <<X
smtpd 25
imapd 143
pop3d 110
imapd 143
imapd 143
imapd 143
imapd 143
imapd 143
X
# who connects while a daemon is away waits, and is not turned away
for _ in $(seq 1 200); do pid=$(daemon_pid pop3d); [ -n "$pid" ] && break; sleep 0.01; done
kill -9 "$pid"
away=0; for _ in $(seq 1 40); do refused 110 && away=$((away + 1)); sleep 0.005; done
equal "forty connections while pop3d is started again: none is refused" $away 0
wait_greeting 110 && pass "and it answers again" || fail "and it answers again"
pids="$(daemon_pid smtpd) $(daemon_pid imapd) $(daemon_pid pop3d)"
{ kill -9 $SUITE_PID; wait $SUITE_PID; } 2>/dev/null
began=$(now_ms)
suite_run
pass "its supervisor is killed, another is ready after $(($(now_ms) - began)) ms"
for port in 25 143 110; do greets $port && pass "port $port answers" || fail "port $port does not answer"; done
for _ in $(seq 1 100); do
  left=; for p in $pids; do kill -0 "$p" 2>/dev/null && left="$left $p"; done
  [ -z "$left" ] && break
  sleep 0.05
done
equal "no daemon of the killed one is left" "$left" ""
suite_stop
refused 143 && pass "stopped, nobody is left waiting" || fail "stopped, nobody is left waiting"
check "the databases are sound" "$PILLARBOX" -c "$CONF" check
finish
