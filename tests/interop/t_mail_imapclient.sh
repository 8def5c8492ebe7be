#!/bin/bash
# Perl's Mail::IMAPClient: folders, flags, search, sort, threads, rights, quotas, compression
. "$(dirname "$0")/lib.sh"
perl -MMail::IMAPClient -e 1 2>/dev/null || { fail "Mail::IMAPClient is not installed"; finish; }
suite_start
perl "$HERE/mail_imapclient.pl" "$(port 143)" "$(port 993)" "$CA" "$U1" "$U2" "$PW" >"$SUITE/out" 2>&1
sed '$d' "$SUITE/out"
read -r p _ f _ <<<"$(tail -1 "$SUITE/out")"
case "$p$f" in *[!0-9]* | '') tail -20 "$SUITE/out"; fail "mail_imapclient.pl gave no result" ;; *) PASSED=$((PASSED + p)) FAILED=$((FAILED + f)) ;; esac
check "the databases are sound" "$PILLARBOX" -c "$CONF" check
finish
