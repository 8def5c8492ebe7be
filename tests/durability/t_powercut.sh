#!/bin/bash
# alone
# The power cut, simulated: what the suite does to its files while it serves is recorded, with the replies it gives, and then
# the disk is made as it may be after a power failure at each point of the recording (the model: powercut_disk.py). The store
# must find all that was promised there, once and whole, and nothing half done.
#   LONG=1   every single write missing at every point of every act, not only of those that accept, move and hand over
. "$(dirname "$0")/../interop/lib.sh"
. "$(dirname "$0")/powercut.sh"
need python3
INTEROP_SLOT=8 # beside what else is tested on this machine
case ${LONG:-} in '' | 0) MESSAGES=6 ;; *) MESSAGES=60 ;; esac
suite_start per_hour=0 per_day=0 new_per_day=0
suite_stop
printf 'transport "sink.test" {\n  host = "%s"\n  port = %s\n  tls = "none"\n}\n' "$HOST" "$(port 26)" >>"$CONF"
record_from_here
suite_run
python3 "$HERE/powercut.py" talk "$SUITE" "$HOST" "$OFFSET" $U1 $U2 "$PW" "$PILLARBOX" "$MESSAGES" >"$SUITE/talk" 2>&1 || { fail "the conversations: $(tail -3 "$SUITE/talk")"; finish; }
suite_stop
verdict python3 "$HERE/powercut.py" judge "$SUITE" "$PB_BUILD/tests/durability/powercut_reader" "${LONG:-}"
finish
