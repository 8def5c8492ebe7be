#!/bin/bash
# getmail: POP3 and IMAP, keep and delete
. "$(dirname "$0")/lib.sh"
need getmail swaks
suite_start
for i in 1 2 3; do message $U1 "get $i" >"$SUITE/m$i"; swaks --server $HOST --port "$(port 25)" --helo c.test --from x@remote.test --to $U1 --data "$SUITE/m$i" >/dev/null 2>&1; done
# RETRIEVER PORT DELETE MAILDIR
get() {
  mkdir -p "$SUITE/g-$4" "$SUITE/$4"/{cur,new,tmp}
  cat >"$SUITE/g-$4/getmailrc" <<X
[retriever]
type = $1
server = localhost
port = $2
username = $U1
password = $PW
ca_certs = $CA
[destination]
type = Maildir
path = $SUITE/$4/
[options]
delete = $3
read_all = false
X
  if [ "$(id -u)" = 0 ]; then # getmail delivers nothing as root
    chown -R nobody "$SUITE/g-$4" "$SUITE/$4"
    setpriv --reuid=nobody --regid=nogroup --clear-groups getmail --getmaildir "$SUITE/g-$4"
  else
    getmail --getmaildir "$SUITE/g-$4"
  fi
}
check "POP3 over TLS, keep" get SimplePOP3SSLRetriever "$(port 995)" false a
equal "three came" "$(ls "$SUITE/a/new" | wc -l)" 3
check "a second run" get SimplePOP3SSLRetriever "$(port 995)" false a
equal "fetched nothing new" "$(ls "$SUITE/a/new" | wc -l)" 3
check "IMAP over TLS, keep" get SimpleIMAPSSLRetriever "$(port 993)" false b
equal "three came" "$(ls "$SUITE/b/new" | wc -l)" 3
check "a second run" get SimpleIMAPSSLRetriever "$(port 993)" false b
equal "fetched nothing new" "$(ls "$SUITE/b/new" | wc -l)" 3
equal "none deleted" "$(count $U1)" 3
check "IMAP over TLS, delete" get SimpleIMAPSSLRetriever "$(port 993)" true c
equal "none left" "$(count $U1)" 0
swaks --server $HOST --port "$(port 25)" --helo c.test --from x@remote.test --to $U1 --data "$SUITE/m1" >/dev/null 2>&1
check "POP3 over TLS, delete" get SimplePOP3SSLRetriever "$(port 995)" true d
equal "one came" "$(ls "$SUITE/d/new" | wc -l)" 1
equal "none left" "$(count $U1)" 0
finish
