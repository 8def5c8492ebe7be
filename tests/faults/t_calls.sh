#!/bin/bash
# The programs that make calls fail and damage databases in one process.
. "$(dirname "$0")/../interop/lib.sh"
SUITE=
case ${LONG:-} in '' | 0) seconds=120 ;; *) seconds=3600; export FAULTS_LONG=1 ;; esac
out=$(mktemp)
for t in test_store test_repair; do
  if CK_DEFAULT_TIMEOUT=$seconds "$PB_BUILD/tests/faults/$t" >"$out" 2>&1; then
    pass "$t: $(grep -hE '^[a-z ]*: [0-9]+ (faults|damaged)' "$out" | paste -sd ';')"
  else
    fail "$t"; grep -v ' repair \| skip_ahead ' "$out" | tail -20
  fi
done
rm -f "$out"
finish
