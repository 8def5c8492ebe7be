#!/bin/bash
# alone
# Daemons that may have 64 MB each, and clients that want more: who is in is served, who is too late is told so, memory stays within its bound.
. "$(dirname "$0")/../attacks/attack.sh"
ulimit -n "$(ulimit -Hn)" 2>/dev/null
export BOUND_MB=${BOUND_MB:-64}
suite_start max_connections_per_address=20000 max_memory="${BOUND_MB}M" login_failures=100
attack ../overload/bound.py
finish
