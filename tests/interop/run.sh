#!/bin/bash
# Runs every script of tests/interop (or those named) against the programs in $PB_BUILD, and adds up what they found.
#   PB_BUILD=build tests/interop/run.sh [name ...]
# SCRIPTS: other directories of scripts of this kind, with blanks between.
# INTEROP_JOBS: how many at a time (1). Scripts that measure time say "# alone" in a line of their own and run first, one by one.
read -ra directories <<<"${SCRIPTS:-$(cd "$(dirname "$0")" && pwd)}"
jobs=${INTEROP_JOBS:-1}
total_passed=0 total_failed=0
scripts=("$@")
[ $# -gt 0 ] || mapfile -t scripts < <(cd / && for d in "${directories[@]}"; do (cd "$d" && ls t_*.sh); done)
path_of() { local d; for d in "${directories[@]}"; do [ ! -f "$d/$1" ] || { echo "$d/$1"; return; }; done; echo "$1"; }
results=$(mktemp -d "${TMPDIR:-/tmp}/pillarbox-results.XXXXXX")

# run_script SCRIPT SLOT: its output into a file. Slots that run at once have ports of their own (suite_start).
run_script() {
  local began=$SECONDS
  INTEROP_SLOT=$2 timeout "${INTEROP_SECONDS:-300}" bash "$(path_of "$1")" >"$results/$1" 2>&1
  echo $((SECONDS - began)) >"$results/$1.seconds"
}
tell() { # SCRIPT
  local line p f _
  echo "== $1  ($(cat "$results/$1.seconds") s)"
  line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$results/$1" | tail -1)
  if [ -z "$line" ]; then
    tail -20 "$results/$1"
    echo "FAIL $1 gave no result"
    total_failed=$((total_failed + 1))
    return
  fi
  sed '$d' "$results/$1"
  read -r p _ f _ <<<"$line"
  total_passed=$((total_passed + p)) total_failed=$((total_failed + f))
}

alone=() beside=()
for s in "${scripts[@]}"; do
  s=${s%.sh}; s=t_${s#t_}.sh
  if [ "$jobs" -eq 1 ] || grep -qx '# alone' "$(path_of "$s")"; then alone+=("$s"); else beside+=("$s"); fi
done
for s in "${alone[@]}"; do run_script "$s" 0; tell "$s"; done
declare -A slot_of script_of
free=(); for ((i = 0; i < jobs; i++)); do free+=("$i"); done
next=0
while [ "$next" -lt ${#beside[@]} ] || [ ${#script_of[@]} -gt 0 ]; do
  while [ ${#free[@]} -gt 0 ] && [ "$next" -lt ${#beside[@]} ]; do
    slot=${free[0]}; free=("${free[@]:1}")
    run_script "${beside[$next]}" "$slot" &
    script_of[$!]=${beside[$next]} slot_of[$!]=$slot
    next=$((next + 1))
  done
  wait -n -p ended "${!script_of[@]}"
  tell "${script_of[$ended]}"
  free+=("${slot_of[$ended]}")
  unset "script_of[$ended]" "slot_of[$ended]"
done
rm -rf "$results"
echo "$total_passed passed, $total_failed failed"
[ $total_failed -eq 0 ]
