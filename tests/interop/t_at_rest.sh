#!/bin/bash
# At rest nothing runs: no thread of any process wakes, with and without idle connections; those cost under 25 kB each;
# a message reaches 250 idle sessions within 100 ms (1 s where other scripts run beside). $IDLERS: how many connections (1,000; 10,000 need no other settings either).
. "$(dirname "$0")/lib.sh"
case "$(nm -D "$PB_BUILD/imapd/imapd" 2>/dev/null)" in *__asan*|*__tsan*) echo "skip: a sanitizer build never rests"; echo "0 passed, 0 failed"; exit 0 ;; esac
make -s -C "$PB_BUILD" tests/interop/idlers >/dev/null || { fail "idlers does not build"; finish; }
IDLERS=${IDLERS:-1000}
[ "${INTEROP_JOBS:-1}" -eq 1 ] && PUSH_MS=100 || PUSH_MS=1000
SETTLE=34 # idle handles are closed after 30 s
suite_start login_timeout=5s
IMAPD=$(daemon_pid imapd)
pss() { awk '/^Pss:/ {print $2}' "/proc/$IMAPD/smaps_rollup"; }
# A thread that does anything must first be scheduled.
switches() { cat /proc/"$1"/task/*/status 2>/dev/null | awk '/ctxt_switches/ {n += $2} END {print n}'; }
quiet() { # quiet WHEN
  local p before=() pids=($SUITE_PID $(pgrep -P $SUITE_PID)) i
  for p in "${pids[@]}"; do before+=("$(switches "$p")"); done
  sleep 5
  for i in "${!pids[@]}"; do equal "$1: $(cat /proc/${pids[$i]}/comm) does nothing in 5 s" "$(($(switches "${pids[$i]}") - ${before[$i]}))" 0; done
}
idlers() { # idlers NAME COUNT [OPTION...]: in the background, their standard input is file descriptor $FD
  local name=$1 count=$2 i; shift 2
  mkfifo "$SUITE/$name.in"
  "$PB_BUILD/tests/interop/idlers" --port "$(port 993)" --smtp-port "$(port 25)" --user $U1 --password $PW --connections "$count" "$@" \
    <"$SUITE/$name.in" >"$SUITE/$name.out" 2>&1 &
  CLIENT=$!
  exec {FD}>"$SUITE/$name.in"
  for i in $(seq 1 1200); do grep -q ready "$SUITE/$name.out" && return; kill -0 $CLIENT 2>/dev/null || break; sleep 0.1; done
  fail "$count connections: $(cat "$SUITE/$name.out")"; finish
}

sleep $SETTLE
quiet "nobody connected"
before=$(pss)
idlers idle $((IDLERS - IDLERS / 4)); IDLE_FD=$FD IDLE_CLIENT=$CLIENT
idlers selected $((IDLERS / 4)) --no-idle; SELECTED_FD=$FD SELECTED_CLIENT=$CLIENT
sleep $SETTLE
quiet "$IDLERS connections by TLS"
each=$((($(pss) - before) * 1024 / IDLERS))
[ $each -lt 25600 ] && pass "each of $IDLERS connections costs $each octets" || fail "each of $IDLERS connections costs $each octets, more than 25600"
echo "     sockets of this machine: $(grep ^TCP: /proc/net/sockstat)"
exec {IDLE_FD}>&- {SELECTED_FD}>&-
wait $IDLE_CLIENT && wait $SELECTED_CLIENT && pass "none was closed" || fail "a connection was closed: $(cat "$SUITE"/*.out)"

idlers push 250
for _ in 1 2 3 4 5; do echo push >&$FD; sleep 0.5; done
exec {FD}>&-
wait $CLIENT || fail "push: $(cat "$SUITE/push.out")"
slowest=$(awk '/^pushed/ {print $2}' "$SUITE/push.out" | sort -n | sed -n 3p)
[ -n "$slowest" ] && [ "${slowest%.*}" -lt $PUSH_MS ] && pass "the last of 250 has a new message after $slowest ms" || fail "push to 250: $(cat "$SUITE/push.out")"
finish
