#!/bin/bash
# Postfix's smtp-source: many parallel sessions, and LMTP
. "$(dirname "$0")/lib.sh"
SOURCE=$(command -v smtp-source || echo /usr/sbin/smtp-source)
need "$SOURCE"
suite_start
check "500 messages, 50 parallel sessions, counted" "$SOURCE" -c -s 50 -m 500 -l 4000 -f x@remote.test -t $U1 "inet:$HOST:$(port 25)"
equal "u1 has 500" "$(count $U1)" 500
check "200 messages, several per session, no disconnect" "$SOURCE" -d -s 10 -m 200 -l 20000 -f x@remote.test -t $U2 "inet:$HOST:$(port 25)"
equal "u2 has 200" "$(count $U2)" 200
check "LMTP, 100 messages" "$SOURCE" -L -s 5 -m 100 -f x@remote.test -t $U2 "unix:$SUITE/run/lmtp.sock"
equal "u2 has 300" "$(count $U2)" 300
check "large messages, 4 sessions" "$SOURCE" -s 4 -m 12 -l 3000000 -f x@remote.test -t $U2 "inet:$HOST:$(port 25)"
equal "u2 has 312" "$(count $U2)" 312
finish
