# shellcheck shell=bash disable=SC2034,SC2154
# tests/attacks/attack.sh - sourced by the scripts here, on top of tests/interop/lib.sh.
. "$(dirname "${BASH_SOURCE[0]}")/../interop/lib.sh"
ATTACKS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
INTEROP_SLOT=${INTEROP_SLOT:-5}

# against NAME.py [ARGUMENT...]: runs it against the suite and adds up what it found.
against() {
  local p f _
  A_HOST=$HOST A_OFFSET=$OFFSET A_SUITE=$SUITE A_U1=$U1 A_U2=$U2 A_PW=$PW A_CONF=$CONF A_PILLARBOX=$PILLARBOX A_SMTPD=$(daemon_pid smtpd) A_POP3D=$(daemon_pid pop3d) \
    A_IMAPD=$(daemon_pid imapd) python3 "$ATTACKS/$1" "${@:2}" >"$SUITE/out" 2>&1
  sed '$d' "$SUITE/out"
  read -r p _ f _ <<<"$(tail -1 "$SUITE/out")"
  case "$p$f" in *[!0-9]* | '') tail -20 "$SUITE/out"; fail "$1 gave no result" ;; *) PASSED=$((PASSED + p)) FAILED=$((FAILED + f)) ;; esac
}
# attack NAME.py [ARGUMENT...]: the same; no daemon may end meanwhile.
attack() {
  local before after
  before="$(daemon_pid smtpd) $(daemon_pid pop3d) $(daemon_pid imapd)"
  against "$@"
  after="$(daemon_pid smtpd) $(daemon_pid pop3d) $(daemon_pid imapd)"
  equal "no daemon was restarted by $1" "$after" "$before"
}
