#!/bin/bash
# Whoever holds on when the daemons stop is cut after ten seconds; a second signal does not wait.
. "$(dirname "$0")/../attacks/attack.sh"
suite_start max_connections_per_address=100 lmtp_port=24
export A_RUN=$SUITE_PID
against ../overload/stop_hard.py once
wait "$SUITE_PID"
equal "what runs the daemons has ended well" $? 0
suite_run
export A_RUN=$SUITE_PID
against ../overload/stop_hard.py again
wait "$SUITE_PID"
SUITE_PID=
finish
