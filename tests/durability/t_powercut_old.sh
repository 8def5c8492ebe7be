#!/bin/bash
# alone
# The power cut while accounts of older versions are brought forward: at every point, all their mail is there when they are opened again (powercut_migration.py).
#   LONG=1   every single write missing at every point
. "$(dirname "$0")/../interop/lib.sh"
. "$(dirname "$0")/powercut.sh"
need python3
INTEROP_SLOT=7 # beside what else is tested on this machine
MESSAGES=40
suite_start
suite_stop
OLD=$PB_BUILD/tests/durability/powercut_old
"$OLD" "$SUITE/data" 1 2 $MESSAGES && "$OLD" "$SUITE/data" 2 3 $MESSAGES || { fail "the older accounts can't be made"; finish; }
record_from_here
check "check brings them forward" "$PILLARBOX" -c "$CONF" check
verdict python3 "$HERE/powercut_migration.py" "$SUITE" "$PB_BUILD/tests/durability/powercut_reader" $MESSAGES "${LONG:-}"
finish
