# Runs test programs of tests/faults and says how many faults each made; for t_calls.sh and t_sessions.sh.
. "$(dirname "$0")/../interop/lib.sh"
SUITE=
run_programs() {
  local out seconds=120 t
  case ${LONG:-} in '' | 0) ;; *) seconds=3600; export FAULTS_LONG=1 ;; esac
  out=$(mktemp)
  for t; do
    if CK_DEFAULT_TIMEOUT=$seconds "$PB_BUILD/tests/faults/$t" >"$out" 2>&1; then
      pass "$t: $(grep -hE '^[a-z0-9, ]*: ([0-9]+ (faults|damaged)|SEED)' "$out" | paste -sd ';')"
    else
      fail "$t"; grep -v ' repair \| skip_ahead ' "$out" | tail -20
    fi
  done
  rm -f "$out"
}
