#!/bin/bash
# Two hundred and more random sessions that synchronise mailboxes, against a model (imap_sync_model.py).
# SEED repeats a run, MODEL_EPISODES and MODEL_FREE_SECONDS make it longer.
. "$(dirname "$0")/lib.sh"
suite_start uidonly=yes
check "every copy of a mailbox stays the mailbox's state" python3 "$HERE/imap_sync_model.py" $HOST "$(port 143)" $U1 "$PW" "${MODEL_EPISODES:-45}" "${MODEL_FREE_SECONDS:-20}" "${SEED:-$RANDOM}"
tail -1 "$SUITE/out"
check "the databases are sound" "$PILLARBOX" -c "$CONF" check
finish
