#!/bin/bash
# alone
# Clients that are slow in every place, floods of commands and of logins: a normal client does not notice, memory stays within its bound.
. "$(dirname "$0")/../attacks/attack.sh"
ulimit -n "$(ulimit -Hn)" 2>/dev/null
# time to log in: who is slow must still be there when it is counted how many are
suite_start max_connections_per_address=20000 max_memory=256M login_timeout=10m
attack ../overload/overload.py
finish
