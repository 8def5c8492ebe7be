#!/bin/bash
# the SMTP client alone (tests/outbound/send) against this suite, Postfix's smtp-sink with its refusals and delays, and
# servers that talk TLS as they should not
. "$(dirname "$0")/lib.sh"
need smtp-sink openssl python3
suite_start
SEND=$PB_BUILD/tests/outbound/send
SINK_PID=
trap 'sink_stop; suite_stop' EXIT
printf 'From: <a@remote.test>\nSubject: client\n\n.dot\n..two\nlast \303\274 without an end' >"$SUITE/mail"
head -c 3000000 /dev/urandom | base64 -w 76 | sed '1i Subject: long\n' >"$SUITE/long"
send() { "$SEND" "$@"; }
ours() { check "$1" "$SEND" $HOST "$(port 25)" a@remote.test "${@:2}"; }
# said DESCRIPTION PATTERN COMMAND...: whatever the exit status
said() { local what=$1 pattern=$2; shift 2; "$@" >"$SUITE/out" 2>&1; has "$what" "$pattern"; }

# -- this suite
ours "opportunistic TLS" $U1 "$SUITE/mail"; has "unverified" 'tls=TLSv1.3 .* unverified tls_error=-'
ours "several recipients, several messages on one connection" $U1,$U2 "$SUITE/mail" count 20; has "one connection" 'end FINE 0 starttls jobs=20'
equal "40 of 40" "$(grep -c ' DONE ' "$SUITE/out")" 40
ours "in the clear" $U1 "$SUITE/mail" without 1; has "none" 'tls=none'
ours "a long message" $U2 "$SUITE/long"
NAME=$(openssl x509 -in "$SUITE"/tls/server.pem -noout -ext subjectAltName 2>/dev/null | grep -o 'DNS:[^,]*' | head -1 | cut -d: -f2)
ours "a chain to an authority and the name" $U1 "$SUITE/mail" name "$NAME" must 1 ca "$CA"; has "verified" 'verified tls_error=-'
said "another name" 'end TLS_FAILED .*tls_error=certificate-host-mismatch' send $HOST "$(port 25)" a@remote.test $U1 "$SUITE/mail" name other.test must 1 ca "$CA"
said "another name, being tested" 'end FINE .*unverified tls_error=certificate-host-mismatch' send $HOST "$(port 25)" a@remote.test $U1 "$SUITE/mail" name other.test ca "$CA"
said "an authority that is not its own" 'end TLS_FAILED .*tls_error=certificate-not-trusted' send $HOST "$(port 25)" a@remote.test $U1 "$SUITE/mail" name "$NAME" must 1 ca ""
KEY=$(openssl x509 -in "$SUITE/tls/server.pem" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -c1-64)
ours "DANE" $U1 "$SUITE/mail" name other.test must 1 tlsa "3 1 1 $KEY"; has "dane" ' dane tls_error=-'
said "DANE, another key" 'end TLS_FAILED .*tls_error=validation-failure' send $HOST "$(port 25)" a@remote.test $U1 "$SUITE/mail" name "$NAME" must 1 tlsa "3 1 1 ${KEY//[0-7]/8}"
said "REQUIRETLS" "$U1 DONE 2" send $HOST "$(port 25)" a@remote.test $U1 "$SUITE/mail" name "$NAME" ca "$CA" requiretls 1
said "REQUIRETLS, nobody vouches for the server" "$U1 NEVER 5.7.10" send $HOST "$(port 25)" a@remote.test $U1 "$SUITE/mail" name "$NAME" requiretls 1
said "REQUIRETLS in the clear" "$U1 NEVER 5.7.10" send $HOST "$(port 25)" a@remote.test $U1 "$SUITE/mail" without 1 requiretls 1
said "unknown user" 'nobody@.* NEVER 5.1.1 550 5.1.1' send $HOST "$(port 25)" a@remote.test nobody@$DOMAIN,$U1 "$SUITE/mail"
has "the other gets it" "$U1 DONE"
check "smart host: submissions, AUTH" "$SEND" $HOST "$(port 465)" $U1 $U2 "$SUITE/mail" implicit 1 user $U1 password "$PW"
check "smart host: submission, STARTTLS, AUTH" "$SEND" $HOST "$(port 587)" $U1 $U2 "$SUITE/mail" user $U1 password "$PW"
said "smart host: wrong password" 'end AUTH_FAILED 535' send $HOST "$(port 587)" $U1 $U2 "$SUITE/mail" user $U1 password wrong
said "smart host: SCRAM is what it used" 'mech(anism)?=SCRAM-SHA-256' grep -a login "$SUITE/log"
check "LMTP by a Unix socket" "$SEND" "$SUITE/run/lmtp.sock" 0 a@remote.test $U1,$U2 "$SUITE/mail" lmtp 1
equal "LMTP answers each" "$(grep -c ' DONE 2' "$SUITE/out")" 2
equal "the end of the line was put right" "$(python3 - "$HOST" "$(port 143)" $U1 "$PW" <<'X'
import imaplib, sys
m = imaplib.IMAP4(sys.argv[1], int(sys.argv[2])); m.login(sys.argv[3], sys.argv[4]); m.select()
print(m.fetch(b'1', '(BODY[TEXT])')[1][0][1])
X
)" "b'.dot\\r\\n..two\\r\\nlast \\xc3\\xbc without an end\\r\\n'"

# -- smtp-sink
SINK_PORT=$(($(port 25) + 1))
sink() { # sink OPTION...
  sink_stop
  smtp-sink -u nobody "$@" $HOST:$SINK_PORT 100 >"$SUITE/sink" 2>&1 &
  SINK_PID=$!
  local i
  for i in $(seq 50); do (exec 3<>"/dev/tcp/$HOST/$SINK_PORT") 2>/dev/null && return; sleep 0.05; done
}
sink_stop() { [ -z "$SINK_PID" ] || { kill $SINK_PID; wait $SINK_PID; SINK_PID=; } 2>/dev/null; }
to_sink() { send $HOST $SINK_PORT a@remote.test b@sink.test,c@sink.test "$@"; }
sink -c; said "sink" 'done=2000 failed=0' to_sink "$SUITE/mail" count 1000 connections 10 quiet 1
sink -p; said "no PIPELINING" 'done=20 failed=0' to_sink "$SUITE/mail" count 10
sink -e; said "no ESMTP" 'done=20 failed=0' to_sink "$SUITE/mail" count 10
sink -L; said "LMTP" 'done=20 failed=0' to_sink "$SUITE/mail" count 10 lmtp 1
sink -w 1; said "a server that waits before the end" 'done=2 failed=0' to_sink "$SUITE/mail"
sink -H 1 -T 4096; said "a server that reads late, by a small window" 'done=2 failed=0' to_sink "$SUITE/long"
sink -r CONNECT; said "soft: greeting" 'end GREETING_LATER 4' to_sink "$SUITE/mail"
sink -f CONNECT; said "hard: greeting" 'end GREETING_NEVER 5' to_sink "$SUITE/mail"
sink -r EHLO; said "soft: EHLO" 'end GREETING_LATER 4' to_sink "$SUITE/mail"
sink -f EHLO,HELO; said "hard: EHLO and HELO" 'end GREETING_NEVER 5' to_sink "$SUITE/mail"
sink -f EHLO; said "hard: EHLO, HELO instead" 'done=2 failed=0' to_sink "$SUITE/mail"
for step in MAIL RCPT DATA .; do
  sink -r $step; said "soft: $step" 'b@sink.test LATER 4.3.0 450' to_sink "$SUITE/mail" count 2
  has "and the next, on the same connection" 'end FINE 0 .* jobs=2'
  sink -f $step; said "hard: $step" 'b@sink.test NEVER 5.3.0 500' to_sink "$SUITE/mail" count 2
  has "and the next, on the same connection" 'end FINE 0 .* jobs=2'
  sink -q $step; said "closed at $step" 'c@sink.test LATER 4.4.2 The server closed' to_sink "$SUITE/mail"
done
sink -q CONNECT; said "closed at once" 'end NO_CONNECTION 0' to_sink "$SUITE/mail"
sink -A 0; said "refused before it was said" 'b@sink.test (NEVER|LATER) ' to_sink "$SUITE/long"
sink_stop
said "nobody there" 'end NO_CONNECTION 0 .*Connection refused' to_sink "$SUITE/mail"

# -- servers that misbehave
odd() { # odd SCRIPT: a server of one connection, lines of Python over f (a file of the connection) and s (its socket)
  rm -f "$SUITE/odd"
  python3 - $HOST $SINK_PORT "$1" "$SUITE/odd" <<'X' &
import socket, sys
l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.bind((sys.argv[1], int(sys.argv[2]))); l.listen(); l.settimeout(20); open(sys.argv[4], 'w')
s, _ = l.accept(); s.settimeout(10); f = s.makefile('rwb', buffering=0)
def say(t): f.write(t.encode())
exec(sys.argv[3])
X
  ODD_PID=$!
  local i
  for i in $(seq 200); do [ -e "$SUITE/odd" ] && return; sleep 0.05; done
}
odd 'say("220 x\r\n"); f.readline(); say("250-x\r\n250 STARTTLS\r\n"); f.readline(); say("220 go\r\n250-x\r\n250 AUTH PLAIN\r\n"); f.read(1)'
said "octets behind the reply to STARTTLS" 'end GREETING_LATER 0 .*more than its reply' to_sink "$SUITE/mail"; wait $ODD_PID
odd 'say("220 x\r\n"); f.readline(); say("250-x\r\n250 STARTTLS\r\n"); f.readline(); say("220 go\r\n"); f.read(10); say("what?\r\n")'
said "no TLS after STARTTLS" 'end TLS_BROKEN 0 .*tls_error=validation-failure' to_sink "$SUITE/mail"; wait $ODD_PID
odd 'say("220 x\r\n"); f.readline(); say("250-x\r\n250 PIPELINING\r\n"); f.readline(); say("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 done\r\n250 and more\r\n")'
said "answers to what was not said yet" 'b@sink.test (LATER|UNTRIED) ' to_sink "$SUITE/long"; wait $ODD_PID
odd 'say("SSH-2.0-OpenSSH_9.2\r\n")'
said "another protocol" 'end GREETING_LATER 0 .*not one of SMTP' to_sink "$SUITE/mail"; wait $ODD_PID
odd 's.close()'
said "closed at once" 'end NO_CONNECTION 0 .*closed the connection' to_sink "$SUITE/mail"; wait $ODD_PID
finish
