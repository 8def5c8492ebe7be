# tests/interop/lib.sh - sourced by every script here: starts a suite of its own on loopback, counts what holds and what does not.
#
# PB_SANDBOX: strict (default), on, log, off, the option of that name.
# PB_BUILD: the build directory (default: `build` below the source). Each script has its own port offset, so that
# two can run at once. A script ends with finish, which prints `N passed, N failed`.
set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SRC=$(cd "$HERE/../.." && pwd)
PB_BUILD=${PB_BUILD:-$SRC/build}
PILLARBOX=$PB_BUILD/ctl/pillarbox
PASSED=0 FAILED=0
SUITE=
SUITE_PID=
HOST=127.0.0.1
DOMAIN=example.test
U1=u1@$DOMAIN U2=u2@$DOMAIN
PW=geheim-1

pass() { PASSED=$((PASSED + 1)); echo "ok   $*"; }
fail() { FAILED=$((FAILED + 1)); echo "FAIL $*"; }
# check DESCRIPTION COMMAND...: the command must succeed.
check() {
  local what=$1; shift
  if "$@" >"$SUITE/out" 2>&1; then pass "$what"; else fail "$what"; sed 's/^/     | /' "$SUITE/out" | tail -25; fi
}
# refuse DESCRIPTION COMMAND...: the command must fail.
refuse() {
  local what=$1; shift
  if "$@" >"$SUITE/out" 2>&1; then fail "$what (it succeeded)"; sed 's/^/     | /' "$SUITE/out" | tail -25; else pass "$what"; fi
}
# equal DESCRIPTION GOT WANTED
equal() { if [ "$2" = "$3" ]; then pass "$1"; else fail "$1: got '$2', wanted '$3'"; fi; }
# has DESCRIPTION PATTERN: the last command's output holds it.
has() { if grep -Eq -- "$2" "$SUITE/out"; then pass "$1"; else fail "$1: no /$2/ in"; sed 's/^/     | /' "$SUITE/out" | tail -25; fi; }
need() { # need PROGRAM...: what the script tests with
  local p
  for p in "$@"; do command -v "$p" >/dev/null || { fail "$p is not installed"; finish; }; done
}

port() { echo $(($1 + OFFSET)); }

ports_taken() { local p; for p in 25 110 143; do (exec 3<>"/dev/tcp/$HOST/$(port $p)") 2>/dev/null && return 0; done; return 1; }

# Sets OFFSET, from which on the ports are free. Scripts that run at once have bands of their own ($INTEROP_SLOT), under
# 32768: above it the system takes ports for connections that go out, and one of those may be the very port to be listened on.
choose_offset() {
  OFFSET=$((7000 + 2800 * ${INTEROP_SLOT:-0} % 22400))
  while ports_taken; do OFFSET=$((OFFSET + 1400)); [ $OFFSET -lt 29000 ] || { fail "no free ports"; finish; }; done
}

# suite_start [NAME=VALUE ...]: makes and starts a suite with u1 and u2; the options are set in its configuration.
suite_start() {
  choose_offset
  SUITE=$(mktemp -d /tmp/pillarbox-interop.XXXXXX)
  chmod 755 "$SUITE"
  CA=$SUITE/tls/ca.pem
  CONF=$SUITE/pillarbox.conf
  "$PILLARBOX" init --dir "$SUITE" --domain $DOMAIN --listen $HOST --port-offset "$OFFSET" >"$SUITE.log" 2>&1 || { cat "$SUITE.log"; fail "init"; finish; }
  mv "$SUITE.log" "$SUITE/log"
  local option
  for option in "$@"; do
    sed -i -E "s|^([[:space:]]*)#?${option%%=*}[[:space:]]*=.*|\\1${option%%=*} = ${option#*=}|" "$CONF"
    grep -Eq "^[[:space:]]*${option%%=*} = " "$CONF" || { fail "no option ${option%%=*} in $CONF"; finish; }
  done
  # a call that is not on the list ends the daemon, which finish() sees in the log
  sed -i -E 's|^#?sandbox = .*|sandbox = "'"${PB_SANDBOX:-strict}"'"|' "$CONF"
  for u in $U1 $U2; do echo "$PW" | "$PILLARBOX" -c "$CONF" account add $u --password-stdin >>"$SUITE/log" 2>&1 || { cat "$SUITE/log"; fail "account add $u"; finish; }; done
  suite_run
}
suite_run() {
  : >"$SUITE/ready"
  "$PILLARBOX" -c "$CONF" run >>"$SUITE/ready" 2>>"$SUITE/log" &
  SUITE_PID=$!
  local i
  for i in $(seq 1 200); do
    grep -q '^ready$' "$SUITE/ready" && return 0
    kill -0 $SUITE_PID 2>/dev/null || break
    sleep 0.05
  done
  tail -20 "$SUITE/log"; fail "the suite did not start"; finish
}
suite_stop() {
  [ -n "$SUITE_PID" ] || return 0
  kill -TERM $SUITE_PID 2>/dev/null
  wait $SUITE_PID 2>/dev/null
  SUITE_PID=
}
# The process id of a daemon of this suite: daemon_pid smtpd
daemon_pid() { pgrep -P $SUITE_PID -x "$1" | head -1; }

finish() {
  suite_stop
  if [ -n "$SUITE" ] && [ -f "$SUITE/log" ]; then
    if grep -aE 'Sanitizer|runtime error|assert|input_stuck|died|err=(CORRUPT|INTERNAL)' "$SUITE/log" | grep -v "${EXPECTED_LOG:-no such line}" >"$SUITE/bad"; then
      FAILED=$((FAILED + 1)); echo "FAIL the log shows trouble:"; head -5 "$SUITE/bad" | sed 's/^/     | /'
    fi
    if [ $FAILED -gt 0 ]; then echo "     log kept: $SUITE/log"; else rm -rf "$SUITE"; fi
  fi
  echo "$PASSED passed, $FAILED failed"
  [ $FAILED -eq 0 ]
  exit
}
trap 'suite_stop' EXIT

# message TO SUBJECT [TEXT]: a small message with LF line ends on stdout
message() { printf 'From: Ann Example <%s>\nTo: <%s>\nSubject: %s\nDate: Sun, 22 Nov 2026 12:00:00 +0000\nMessage-ID: <%s@interop.test>\n\n%s\n' "$U1" "$1" "$2" "$(date +%s%N).$RANDOM" "${3:-Hello there.}"; }
# count USER [MAILBOX]: messages in it, by IMAP
count() { python3 "$HERE/imapwire.py" count "$HOST" "$(port 143)" "$1" "$PW" "${2:-INBOX}"; }
