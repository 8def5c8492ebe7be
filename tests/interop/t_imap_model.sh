#!/bin/bash
# Random IMAP clients on two mailboxes while mail arrives: every response is checked against a model (imap_model.py).
# SEED repeats a run's choices (not its timing), MODEL_SECONDS makes it longer.
. "$(dirname "$0")/lib.sh"
suite_start
check "four clients are told the truth" python3 "$HERE/imap_model.py" $HOST "$(port 143)" "$(port 25)" $U1 "$PW" "${MODEL_SECONDS:-50}" 4 "${SEED:-$RANDOM}"
tail -1 "$SUITE/out"
finish
