#!/bin/bash
# msmtp: STARTTLS and TLS from the start, mechanisms
. "$(dirname "$0")/lib.sh"
need msmtp
suite_start
M=(msmtp -C /dev/null --host=localhost --tls=on --tls-trust-file="$CA" --user=$U1 --passwordeval="echo $PW" --from=$U1 --timeout=15)
sent=0
for a in plain login scram-sha-256; do
  for how in "587 on" "465 off"; do
    set -- $how
    message $U2 "msmtp $a $1" >"$SUITE/m.txt"
    if "${M[@]}" --auth=$a --port="$(port $1)" --tls-starttls=$2 $U2 <"$SUITE/m.txt" >"$SUITE/out" 2>&1; then
      pass "msmtp --auth=$a on $1"; sent=$((sent + 1))
    else
      fail "msmtp --auth=$a on $1: $(cat "$SUITE/out")"
    fi
  done
done
refuse "wrong password" "${M[@]}" --auth=plain --port="$(port 587)" --tls-starttls=on --passwordeval="echo nein" $U2 </dev/null
check "serverinfo" msmtp -C /dev/null --host=localhost --tls=on --tls-trust-file="$CA" --port="$(port 587)" --serverinfo
has "lists SCRAM" 'SCRAM-SHA-256'
equal "all arrived" "$(count $U2)" "$sent"
finish
