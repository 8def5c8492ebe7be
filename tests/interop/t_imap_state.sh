#!/bin/bash
# Concurrent IMAP sessions on one mailbox, while mail arrives: what each is told must add up (RFC 3501 §7.4.1).
. "$(dirname "$0")/lib.sh"
suite_start
check "eight sessions keep account of one mailbox" python3 "$HERE/imap_state.py" $HOST "$(port 143)" "$(port 25)" $U1 "$PW" 8 8 "${SEED:-$RANDOM}"
tail -1 "$SUITE/out"
finish
