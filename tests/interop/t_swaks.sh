#!/bin/bash
# swaks: AUTH and TLS variants, refusals with their codes, LMTP
. "$(dirname "$0")/lib.sh"
need swaks
suite_start
W=(swaks --timeout 15 --helo client.test --from $U1 --tls-ca-path "$CA")
MX=(--server $HOST --port "$(port 25)")
SUB=(--server $HOST --port "$(port 587)")
SUBS=(--server $HOST --port "$(port 465)")
check "MX, plain" "${W[@]}" "${MX[@]}" --to $U2 --from x@remote.test
has "answered 250 2." '<-  250 2\.'
check "MX, STARTTLS" "${W[@]}" "${MX[@]}" --to $U2 --from x@remote.test --tls
check "MX, pipelined" "${W[@]}" "${MX[@]}" --to $U2,$U1 --from x@remote.test --pipeline
check "MX, null sender" "${W[@]}" "${MX[@]}" --to $U2 --from '<>'
check "postmaster without domain" "${W[@]}" "${MX[@]}" --to postmaster --from x@remote.test
check "sub-address" "${W[@]}" "${MX[@]}" --to u2+tag@$DOMAIN --from x@remote.test
refuse "unknown user" "${W[@]}" "${MX[@]}" --to nobody@$DOMAIN --from x@remote.test; has "550 5.1.1" '550 5\.1\.1'
refuse "relay" "${W[@]}" "${MX[@]}" --to a@b.test --from x@remote.test; has "550 5.7.1" '550 5\.7\.1'
refuse "percent hack" "${W[@]}" "${MX[@]}" --to a%b.test@$DOMAIN --from x@remote.test; has "550" '<\*\* 550'
check "size is announced" "${W[@]}" "${MX[@]}" --quit-after EHLO; has "SIZE" '250-SIZE 52428800'; has "no AUTH on MX" 'PIPELINING'
grep -q 'AUTH' "$SUITE/out" && fail "AUTH offered on MX" || pass "no AUTH offered on MX"
for m in PLAIN LOGIN; do
  check "submission, STARTTLS, AUTH $m" "${W[@]}" "${SUB[@]}" --to $U2 --tls --auth $m --auth-user $U1 --auth-password "$PW"
  check "submissions, AUTH $m" "${W[@]}" "${SUBS[@]}" --to $U2 --tls-on-connect --auth $m --auth-user $U1 --auth-password "$PW"
done
check "bare local part as user name" "${W[@]}" "${SUB[@]}" --to $U2 --tls --auth PLAIN --auth-user u1 --auth-password "$PW"
check "AUTH with the wrong TLS-less loopback" "${W[@]}" "${SUB[@]}" --to $U2 --auth PLAIN --auth-user $U1 --auth-password "$PW"
refuse "wrong password" "${W[@]}" "${SUB[@]}" --to $U2 --tls --auth PLAIN --auth-user $U1 --auth-password wrong; has "535 5.7.8" '535 5\.7\.8'
refuse "without AUTH" "${W[@]}" "${SUB[@]}" --to $U2 --tls; has "530 5.7.0" '530 5\.7\.0'
refuse "another's address as sender" "${W[@]}" "${SUB[@]}" --from $U2 --to $U2 --tls --auth PLAIN --auth-user $U1 --auth-password "$PW"; has "553 5.7.1" '553 5\.7\.1'
check "submission to another domain" "${W[@]}" "${SUB[@]}" --to a@b.test --tls --auth PLAIN --auth-user $U1 --auth-password "$PW"
refuse "port 25 relays nothing" "${W[@]}" "${MX[@]}" --from x@remote.test --to a@b.test; has "550" '550 5\.'
check "LMTP" "${W[@]}" --protocol LMTP --socket "$SUITE/run/lmtp.sock" --to $U1,$U2 --from x@remote.test
equal "LMTP answers each recipient" "$(grep -c '^<-  250 2.*\(Delivered\|delivered\|stored\|Ok\|ok\)' "$SUITE/out" | awk '{print ($1 >= 2)}')" 1
equal "u2 got them all" "$(count $U2)" 12
finish
