#!/bin/bash
# fetchmail: POP3 and IMAP, keep and delete
. "$(dirname "$0")/lib.sh"
need fetchmail swaks
suite_start
for i in 1 2 3; do message $U1 "fetch $i" >"$SUITE/m$i"; swaks --server $HOST --port "$(port 25)" --helo c.test --from x@remote.test --to $U1 --data "$SUITE/m$i" >/dev/null 2>&1; done
equal "three messages wait" "$(count $U1)" 3
export HOME=$SUITE/home FETCHMAILHOME=$SUITE/home; mkdir -p "$HOME"
# PROTOCOL PORT SSL KEEP MAILDROP
fetch() {
  cat >"$HOME/.fetchmailrc" <<X
poll localhost protocol $1 port $2 ${6:-} user "$U1" password "$PW" $3 mda "sh -c 'cat >>$SUITE/$5; echo >>$SUITE/$5'" $4
X
  chmod 600 "$HOME/.fetchmailrc"
  fetchmail -v --nosyslog -f "$HOME/.fetchmailrc"
  local status=$?
  [ $status -eq 13 ] && status=0 # the limit asked for was reached
  return $status
}
SSL="ssl sslproto \"auto\" sslcertck sslcertfile \"$CA\""
STARTTLS="sslproto \"tls1.2+\" sslcertck sslcertfile \"$CA\""
check "POP3 over TLS, keep" fetch pop3 "$(port 995)" "$SSL" "keep" a uidl
equal "three came" "$(grep -c '^Subject: fetch' "$SUITE/a")" 3
fetch pop3 "$(port 995)" "$SSL" "keep" a uidl >"$SUITE/out" 2>&1; equal "a second run fetches nothing (exit 1: no mail)" $? 1
equal "still three" "$(grep -c '^Subject: fetch' "$SUITE/a")" 3
check "POP3 with STLS, fetch all, keep" fetch pop3 "$(port 110)" "$STARTTLS" "keep fetchall" b
equal "three came" "$(grep -c '^Subject: fetch' "$SUITE/b")" 3
check "IMAP over TLS, fetch all, keep" fetch imap "$(port 993)" "$SSL" "keep fetchall" c
equal "three came" "$(grep -c '^Subject: fetch' "$SUITE/c")" 3
equal "none deleted" "$(count $U1)" 3
check "POP3, delete two at most" fetch pop3 "$(port 995)" "$SSL" "no keep fetchall fetchlimit 2" d
equal "one left" "$(count $U1)" 1
check "IMAP with STARTTLS, delete" fetch imap "$(port 143)" "$STARTTLS" "no keep fetchall" e
equal "none left" "$(count $U1)" 0
finish
