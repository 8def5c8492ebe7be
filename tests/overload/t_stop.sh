#!/bin/bash
# A reload drops nobody; a stop drains.
. "$(dirname "$0")/../attacks/attack.sh"
EXPECTED_LOG="daemon_died.*exit status 0" # it is asked to
suite_start max_connections_per_address=100 password_threads=8 max_memory=1G lmtp_port=24
export A_RUN=$SUITE_PID
against ../overload/stop.py
finish
