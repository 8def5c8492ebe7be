#!/bin/bash
# Concurrent IMAP sessions on one mailbox, while mail arrives: what each is told must add up (RFC 3501 §7.4.1).
. "$(dirname "$0")/lib.sh"
suite_start 17700
(for i in $(seq 1 40); do python3 -c 'import smtplib,sys
s=smtplib.SMTP(sys.argv[1],int(sys.argv[2]),"c.test"); s.sendmail("x@remote.test",[sys.argv[3]],"Subject: in\r\n\r\nx\r\n"); s.quit()' $HOST "$(port 25)" $U1; sleep 0.1; done) >/dev/null 2>&1 &
check "eight sessions keep account of one mailbox" python3 "$HERE/imap_state.py" $HOST "$(port 143)" $U1 "$PW" 8 8 "${SEED:-$RANDOM}"
tail -1 "$SUITE/out"
wait $!
finish
