#!/bin/bash
# Connections beyond a limit hear in clear text which one it is, and the log names the option to change.
. "$(dirname "$0")/lib.sh"
said() { timeout 5 bash -c "exec 3<>/dev/tcp/$HOST/$1; head -1 <&3" | tr -d '\r'; }
suite_start max_memory=64K
sleep 0.3
equal "IMAP without memory" "$(said "$(port 143)")" "* BYE [UNAVAILABLE] No memory for another connection, try again in a minute"
equal "POP3 without memory" "$(said "$(port 110)")" "-ERR [SYS/TEMP] No memory for another connection, try again in a minute"
equal "SMTP without memory" "$(said "$(port 25)")" "421 4.3.2 No memory for another connection, try again in a minute"
check "the log names the option" grep -q 'refused .*limit=max_memory' "$SUITE/log"
suite_stop
sed -i -E 's/^([[:space:]]*)max_memory = .*/\1max_memory = 0/; s/^([[:space:]]*)#?max_connections_per_address = .*/\1max_connections_per_address = 2/' "$CONF"
suite_run
exec 4<>"/dev/tcp/$HOST/$(port 143)" 5<>"/dev/tcp/$HOST/$(port 143)"
read -r _ <&4; read -r _ <&5
equal "too many from one address" "$(said "$(port 143)")" "* BYE [LIMIT] Too many connections from your address: close some, or ask for a higher max_connections_per_address"
check "and its option is in the log" grep -q 'refused .*limit=max_connections_per_address' "$SUITE/log"
exec 4>&- 5>&-
finish
