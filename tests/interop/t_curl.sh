#!/bin/bash
# curl: smtp, smtps, imap, imaps, pop3, pop3s
. "$(dirname "$0")/lib.sh"
need curl
suite_start
S="$SUITE/m.txt"
C=(curl -sS --max-time 20 --cacert "$CA")
message $U1 "curl smtp" >"$S"
check "smtp: MX takes mail for a local user" "${C[@]}" "smtp://$HOST:$(port 25)/client.test" --mail-from x@remote.test --mail-rcpt $U1 -T "$S"
refuse "smtp: MX refuses to relay" "${C[@]}" "smtp://$HOST:$(port 25)/client.test" --mail-from x@remote.test --mail-rcpt y@elsewhere.test -T "$S"
refuse "smtp: MX refuses an unknown user" "${C[@]}" "smtp://$HOST:$(port 25)/client.test" --mail-from x@remote.test --mail-rcpt nobody@$DOMAIN -T "$S"
message $U2 "curl submission" >"$S"
check "submission with STARTTLS and AUTH" "${C[@]}" --ssl-reqd "smtp://localhost:$(port 587)" -u "$U1:$PW" --mail-from $U1 --mail-rcpt $U2 -T "$S"
refuse "submission without AUTH" "${C[@]}" --ssl-reqd "smtp://localhost:$(port 587)" --mail-from $U1 --mail-rcpt $U2 -T "$S"
refuse "submission with a wrong password" "${C[@]}" --ssl-reqd "smtp://localhost:$(port 587)" -u "$U1:wrong" --mail-from $U1 --mail-rcpt $U2 -T "$S"
for m in PLAIN LOGIN; do
  message $U2 "curl smtps $m" >"$S"
  check "smtps with AUTH=$m" "${C[@]}" --login-options AUTH=$m "smtps://localhost:$(port 465)" -u "$U1:$PW" --mail-from $U1 --mail-rcpt $U2 -T "$S"
done
check "several recipients in one transaction" "${C[@]}" "smtps://localhost:$(port 465)" -u "$U1:$PW" --mail-from $U1 --mail-rcpt $U1 --mail-rcpt $U2 -T "$S"
equal "u1 has two messages" "$(count $U1)" 2
equal "u2 has four messages" "$(count $U2)" 4

for p in "pop3 110" "pop3s 995" "imap 143" "imaps 993"; do
  set -- $p
  case $1 in
    pop3*)
      check "$1: list" "${C[@]}" "$1://localhost:$(port $2)/" -u "$U2:$PW"; equal "$1: four lines" "$(wc -l <"$SUITE/out")" 4
      check "$1: retrieve" "${C[@]}" "$1://localhost:$(port $2)/1" -u "$U2:$PW"; has "$1: the subject is there" '^Subject: curl submission'
      check "$1: UIDL" "${C[@]}" "$1://localhost:$(port $2)/" -X UIDL -u "$U2:$PW"
      check "$1: TOP" "${C[@]}" "$1://localhost:$(port $2)/1%200" -X TOP -u "$U2:$PW"
      refuse "$1: wrong password" "${C[@]}" "$1://localhost:$(port $2)/" -u "$U2:wrong" ;;
    imap*)
      check "$1: LIST" "${C[@]}" "$1://localhost:$(port $2)/" -u "$U2:$PW"; has "$1: INBOX is listed" 'INBOX'; has "$1: Sent carries its special use" '\\Sent'
      check "$1: fetch a message" "${C[@]}" "$1://localhost:$(port $2)/INBOX;MAILINDEX=1" -u "$U2:$PW"; has "$1: the subject is there" '^Subject: curl submission'
      check "$1: fetch a section" "${C[@]}" "$1://localhost:$(port $2)/INBOX;MAILINDEX=2;SECTION=TEXT" -u "$U2:$PW"; has "$1: the text is there" 'Hello there'
      check "$1: search" "${C[@]}" "$1://localhost:$(port $2)/INBOX?SUBJECT%20submission" -u "$U2:$PW"; has "$1: one hit" '^\* SEARCH 1'
      message $U2 "curl append" >"$S"
      check "$1: append" "${C[@]}" "$1://localhost:$(port $2)/Drafts" -T "$S" -u "$U2:$PW"
      check "$1: custom request" "${C[@]}" "$1://localhost:$(port $2)/INBOX" -X 'STORE 1 +FLAGS (\Flagged)' -u "$U2:$PW"
      refuse "$1: wrong password" "${C[@]}" "$1://localhost:$(port $2)/" -u "$U2:wrong" ;;
  esac
done
for m in PLAIN LOGIN; do
  check "imaps with AUTH=$m" "${C[@]}" --login-options AUTH=$m "imaps://localhost:$(port 993)/" -u "$U2:$PW"
  check "pop3s with AUTH=$m" "${C[@]}" --login-options AUTH=$m "pop3s://localhost:$(port 995)/" -u "$U2:$PW"
done
check "imap with STARTTLS" "${C[@]}" --ssl-reqd "imap://localhost:$(port 143)/" -u "$U2:$PW"
check "pop3 with STLS" "${C[@]}" --ssl-reqd "pop3://localhost:$(port 110)/" -u "$U2:$PW"
head -c 20000000 /dev/urandom | base64 >"$SUITE/big.txt"
{ message $U1 big; cat "$SUITE/big.txt"; } >"$S"
check "a 27 MB message by smtp" "${C[@]}" "smtp://$HOST:$(port 25)" --mail-from x@remote.test --mail-rcpt $U1 -T "$S" --crlf --max-time 60
check "and back by imap" "${C[@]}" "imap://$HOST:$(port 143)/INBOX;MAILINDEX=3;SECTION=TEXT" -u "$U1:$PW" --max-time 60
tail -n +2 "$SUITE/out" | tr -d '\r' | cmp -s - "$SUITE/big.txt" && pass "unchanged" || { tail -n +1 "$SUITE/out" | tr -d '\r' | grep -v '^Hello there' | cmp - "$SUITE/big.txt" && pass "unchanged" || fail "changed on the way"; }
finish
