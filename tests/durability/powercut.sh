# shellcheck shell=bash disable=SC2034
# tests/durability/powercut.sh - sourced by the scripts here that simulate power cuts, on top of tests/interop/lib.sh.
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PROGRAM=$PILLARBOX
PB_SANDBOX=off # the recorder makes system calls of its own

# From here on $PILLARBOX, and what it starts, is recorded; what the data directory is now is remembered.
record_from_here() {
  printf '#!/bin/sh\nexport POWERCUT_LOG=%s/powercut.log POWERCUT_DIR=%s/data\nLD_PRELOAD=%s exec %s "$@"\n' \
    "$SUITE" "$SUITE" "$PB_BUILD/tests/durability/powercut_record.so" "$PROGRAM" >"$SUITE/recorded"
  chmod +x "$SUITE/recorded"
  PILLARBOX=$SUITE/recorded
  python3 "$HERE/powercut.py" base "$SUITE" || { fail "the data directory can't be read"; finish; }
}

# verdict COMMAND...: its lines are counted
verdict() {
  local word what
  "$@" >"$SUITE/verdict" 2>&1 || fail "$(tail -3 "$SUITE/verdict")"
  while read -r word what; do
    case $word in ok) pass "$what" ;; FAIL) fail "$what" ;; "#") echo "     $what" ;; esac
  done <"$SUITE/verdict"
}
