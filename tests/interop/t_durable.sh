#!/bin/bash
# alone
# Equal durability, seen from the kernel: between the last write of a change to the WAL and the reply that promises it lies a
# sync of that WAL, for each reply that accepts or removes mail or changes the folder tree; and a large message's file and its
# directory are synced before the row that names it.
. "$(dirname "$0")/lib.sh"
need strace
strace -o /dev/null true 2>/dev/null || { echo "skip: no process may be traced here"; echo "0 passed, 0 failed"; exit 0; }
suite_start
TRACERS=()
for d in smtpd imapd pop3d; do
  strace -f -y -s 100 -e trace=pwrite64,pwritev,write,writev,sendto,sendmsg,fdatasync,fsync -o "$SUITE/$d.trace" -p "$(daemon_pid $d)" 2>"$SUITE/$d.strace" &
  TRACERS+=($!)
done
for i in $(seq 1 100); do
  [ "$(cat "$SUITE"/*.strace 2>/dev/null | grep -c attached)" -ge 3 ] && break
  sleep 0.1
done
python3 "$HERE/durable.py" talk "$HOST" "$OFFSET" "$SUITE" $U1 $U2 "$PW" >"$SUITE/talk" 2>&1 || { fail "the conversations: $(cat "$SUITE/talk")"; }
sleep 0.3
kill -INT "${TRACERS[@]}"
wait "${TRACERS[@]}" 2>/dev/null
python3 "$HERE/durable.py" judge "$SUITE" >"$SUITE/verdict" 2>&1 || fail "$(tail -1 "$SUITE/verdict")"
while read -r verdict what; do
  case $verdict in ok) pass "$what" ;; FAIL) fail "$what" ;; esac
done <"$SUITE/verdict"
finish
