#!/bin/bash
# Runs every script of tests/interop (or those named) against the programs in $PB_BUILD, and adds up what they found.
#   PB_BUILD=build tests/interop/run.sh [name ...]
here=$(cd "$(dirname "$0")" && pwd)
total_passed=0 total_failed=0
scripts=("$@")
[ $# -gt 0 ] || mapfile -t scripts < <(cd "$here" && ls t_*.sh)
for s in "${scripts[@]}"; do
  s=${s%.sh}; s=t_${s#t_}.sh
  echo "== $s"
  out=$(timeout "${INTEROP_SECONDS:-300}" bash "$here/$s" 2>&1)
  line=$(printf '%s\n' "$out" | grep -E '^[0-9]+ passed, [0-9]+ failed$' | tail -1)
  if [ -z "$line" ]; then
    printf '%s\n' "$out" | tail -20
    echo "FAIL $s gave no result"
    total_failed=$((total_failed + 1))
    continue
  fi
  printf '%s\n' "$out" | sed '$d'
  read -r p _ f _ <<<"$line"
  total_passed=$((total_passed + p)) total_failed=$((total_failed + f))
done
echo "$total_passed passed, $total_failed failed"
[ $total_failed -eq 0 ]
