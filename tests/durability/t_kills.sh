#!/bin/bash
# alone
# Daemons killed with -9 at random moments under mixed load: what was acknowledged is there, once (kills.py).
# LONG=1: 500 kills and 200,000 deliveries. KILLS, DELIVERIES, SEED, KILL_MEAN_S, SESSIONS, RATE, READY_MS set one of these.
. "$(dirname "$0")/../interop/lib.sh"
. "$(dirname "$0")/mixed.sh"
INTEROP_SLOT=6 # beside what else is tested on this machine
mixed_suite max_connections_per_address=200
mixed_run kills.py 2
