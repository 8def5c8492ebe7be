#!/bin/bash
# alone
# Clients that are slow in every place, floods of commands and of logins: a normal client does not notice, memory stays within its bound.
# SLOW: slow clients of each port at each place. PARTS: of overload.py, all of them when left out.
. "$(dirname "$0")/../attacks/attack.sh"
ulimit -n "$(ulimit -Hn)" 2>/dev/null
many=${LONG:+2000} many=${SLOW:-${many:-60}}
export MEMORY_MB=256 # 8,000 clients of smtpd's four ports take more
[ "$many" -lt 1000 ] || MEMORY_MB=1024
# Time to log in: who is slow must still be there when it is counted how many are.
suite_start max_connections_per_address=20000 max_memory=${MEMORY_MB}M login_timeout=10m lmtp_port=24 password_wait=15s
read -ra parts <<<"${PARTS:-}"
attack ../overload/overload.py "${parts[@]}"
finish
