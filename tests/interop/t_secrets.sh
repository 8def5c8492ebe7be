#!/bin/bash
# A daemon's memory after logins of every kind: the password, and a bearer token, must be nowhere in it, neither as it is nor in base64.
# Debian's python3, which has PyJWT, stands in /usr/bin whatever comes first in PATH.
. "$(dirname "$0")/lib.sh"
case "$(nm -D "$PB_BUILD/imapd/imapd" 2>/dev/null)" in *__asan*|*__tsan*) echo "SKIPPED: a sanitizer keeps what was freed"; echo "0 passed, 0 failed"; exit 0 ;; esac
if [ "$(id -u)" != 0 ]; then echo "SKIPPED: only root looks into the daemons' memory"; echo "0 passed, 0 failed"; exit 0; fi
PW='Qy7vex"edKestrel4ubiquitous'
suite_start login_failure_delay=100ms
# search WHAT: by TOKEN, where it is set
search() {
  python3 "$HERE/secrets.py" "$HOST" "$OFFSET" "$CA" "$U1" "$PW" smtpd="$(daemon_pid smtpd)" pop3d="$(daemon_pid pop3d)" imapd="$(daemon_pid imapd)" >"$SUITE/rows" 2>&1
  sed "s/^\(ok  \|FAIL\) /&$1: /" "$SUITE/rows"
  PASSED=$((PASSED + $(grep -c '^ok ' "$SUITE/rows"))) FAILED=$((FAILED + $(grep -c '^FAIL ' "$SUITE/rows")))
  grep -q '^ok   all ways were tried' "$SUITE/rows" || fail "secrets.py came to its end"
}
search password
suite_stop

PROVIDER=$((OFFSET + 1))
/usr/bin/python3 "$HERE/oauth_provider.py" $PROVIDER "$SUITE" 2>>"$SUITE/log" &
PROVIDER_PID=$!
trap 'suite_stop; kill $PROVIDER_PID 2>/dev/null' EXIT
for _ in $(seq 1 100); do [ -s "$SUITE/tokens.json" ] && break; sleep 0.1; done
[ -s "$SUITE/tokens.json" ] || fail "the provider of tokens started"
token() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$SUITE/tokens.json" "$1"; }
printf 'our-secret\n' >"$SUITE/oauth.secret"
configure() { # NAME=VALUE...
  for option in "$@"; do sed -i -E "/^oauth \{/,/^\}/s|^([[:space:]]*)#?${option%%=*}[[:space:]]*=.*|\\1${option%%=*} = ${option#*=}|" "$CONF"; done
}
configure 'issuer="https://provider.test"' "ca_file=\"$CA\"" "jwks_url=\"https://localhost:$PROVIDER/keys\"" 'audience="pillarbox"'
suite_run
TOKEN=$(token "good RS256") search "token that is checked here"
suite_stop
configure 'jwks_url=""' "introspection_url=\"https://localhost:$PROVIDER/introspect\"" 'client_id="imap server"' "client_secret_file=\"$SUITE/oauth.secret\""
suite_run
TOKEN=$(token "opaque long") search "token that the provider is asked about"
kill $PROVIDER_PID
finish
