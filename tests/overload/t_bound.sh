#!/bin/bash
# alone
# Daemons that may have 64 MB each (48 in the short form, which has fewer clients), and clients that want more: who is in is served, who is too late is told so, memory stays within its bound.
. "$(dirname "$0")/../attacks/attack.sh"
ulimit -n "$(ulimit -Hn)" 2>/dev/null
export BOUND_MB=${BOUND_MB:-$([ -n "${LONG:-}" ] && echo 64 || echo 48)}
suite_start max_connections_per_address=20000 max_memory="${BOUND_MB}M" login_failures=100
attack ../overload/bound.py
finish
