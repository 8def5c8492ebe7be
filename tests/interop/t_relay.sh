#!/bin/bash
# Submitted mail goes to another server, Postfix's smtp-sink; what can't be delivered comes back as a report.
. "$(dirname "$0")/lib.sh"
need smtp-sink swaks
suite_start retry_first=1s
suite_stop
SINK=$(port 26) SOFT=$(port 27) HARD=$(port 28) DEAD=$(port 29)
for t in "sink $SINK" "soft $SOFT" "hard $HARD" "dead $DEAD"; do
  set -- $t
  printf 'transport "%s.test" {\n  host = "127.0.0.1"\n  port = %s\n  tls = "none"\n}\n' "$1" "$2" >>"$CONF"
done
mkdir -m 777 "$SUITE/sunk"
smtp-sink -u nobody -d "$SUITE/sunk/%M." "$HOST:$SINK" 100 & SINKS=$!
smtp-sink -u nobody -r . "$HOST:$SOFT" 100 & SINKS="$SINKS $!"
smtp-sink -u nobody -f . "$HOST:$HARD" 100 & SINKS="$SINKS $!"
trap 'kill $SINKS 2>/dev/null; suite_stop' EXIT
suite_run
S=(swaks --server "$HOST" --port "$(port 587)" --tls --auth PLAIN --auth-user "$U1" --auth-password "$PW" --from "$U1")
sunk() { cat "$SUITE"/sunk/* 2>/dev/null | grep -c "$1"; }
wait_for() { local i; for i in $(seq 1 100); do eval "$1" && return 0; sleep 0.1; done; return 1; }

check "submission takes mail for other servers" "${S[@]}" --to "x@sink.test,y@sink.test" --header "Subject: relayed-1"
wait_for '[ "$(sunk "^Subject: relayed-1")" = 1 ]'
equal "it arrives, once for two recipients" "$(sunk '^Subject: relayed-1')" 1
equal "with both in one transaction" "$(sunk '^X-Rcpt-Args: <[xy]@sink.test>')" 2
equal "without a Return-Path" "$(sunk '^Return-Path:')" 0
equal "and a Received field of ours" "$(sunk '^[[:space:]]by .* with ESMTPSA id')" 1
check "a message to here and there" "${S[@]}" --to "$U2,z@sink.test" --header "Subject: both-1"
wait_for '[ "$(sunk "^Subject: both-1")" = 1 ]'
equal "reaches the other server" "$(sunk '^Subject: both-1')" 1
equal "and the mailbox" "$(count $U2)" 1
refuse "who is not logged in relays nothing" swaks --server "$HOST" --port "$(port 25)" --from "x@remote.test" --to "x@sink.test"
check "a message that the other side refuses is taken" "${S[@]}" --to "gone@hard.test" --header "Subject: refused-1"
wait_for '[ "$(count $U1)" = 1 ]'
equal "its sender gets a report" "$(count $U1)" 1
check "so is one for a server that is away" "${S[@]}" --to "later@dead.test" --header "Subject: away-1"
wait_for 'grep -q "deferred.*later@dead.test" "$SUITE/log"'
check "which is put off" grep -q 'deferred.*later@dead.test' "$SUITE/log"
check "so is one for a server in trouble" "${S[@]}" --to "soft@soft.test" --header "Subject: soft-1"
wait_for 'grep -q "deferred.*soft@soft.test" "$SUITE/log"'
check "which is put off, too" grep -q 'deferred.*soft@soft.test' "$SUITE/log"
smtp-sink -u nobody -d "$SUITE/sunk/%M." "$HOST:$DEAD" 100 & SINKS="$SINKS $!"
wait_for '(exec 3<>"/dev/tcp/$HOST/$DEAD") 2>/dev/null'
"$PILLARBOX" -c "$CONF" queue retry --all >"$SUITE/out" 2>&1
wait_for '[ "$(sunk "^Subject: away-1")" = 1 ]'
equal "a person asks for another try, and it arrives" "$(sunk '^Subject: away-1')" 1
finish
