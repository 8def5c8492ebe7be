#!/bin/bash
# alone
# Everything at once: mixed load, speed load, kills, slow clients, floods. Nothing acknowledged is lost; memory, descriptors and files end where they began (everything.py).
# LONG=1: ten minutes; EVERYTHING_SECONDS=… alone: a look at it. These set one of its figures: EVERYTHING_SECONDS, FLOOD (a factor),
# RATE (deliveries a second), KILL_MEAN_S, LIMIT_MS, SEED.
. "$(dirname "$0")/../interop/lib.sh"
. "$(dirname "$0")/mixed.sh"
case ${LONG:-}${EVERYTHING_SECONDS:-} in '' | 0) echo "skip: LONG=1 runs it"; echo "0 passed, 0 failed"; exit 0 ;; esac
INTEROP_SLOT=4 # beside what else is tested on this machine
case ${LONG:-} in '' | 0) : "${KILL_MEAN_S:=0.7}" "${FLOOD:=0.3}"; VERDICTS=1 ;; *) : "${KILL_MEAN_S:=4}" "${FLOOD:=1}"; VERDICTS=3 ;; esac
RATE=${RATE:-300} READY_MS=${READY_MS:-30000} # how soon they serve again, other tests say: here they have to share two cores with floods
export KILL_MEAN_S FLOOD RATE READY_MS
ulimit -n "$(ulimit -Hn)" 2>/dev/null
MORE_ACCOUNTS="b1 s2" mixed_suite max_connections_per_address=200 max_memory=512M
printf 'transport "relay.test" {\n  host = "127.0.0.1"\n  port = %s\n  tls = "none"\n}\n' "$(port 27)" >>"$CONF"
touch "$SUITE/counted.relay"
python3 "$HERE/counting_sink.py" "$(port 27)" "$SUITE/counted.relay" & SINKS="$SINKS $!"
export A_HOST=$HOST A_OFFSET=$OFFSET A_SUITE=$SUITE A_U1=$U1 A_U2=$U2 A_PW=$PW
mixed_run everything.py $VERDICTS
