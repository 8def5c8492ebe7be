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

# keys: of TLS, and those that sign
keys() {
  /usr/bin/python3 "$HERE/secrets_keys.py" "$1" "$SUITE" smtpd="$(daemon_pid smtpd)" pop3d="$(daemon_pid pop3d)" imapd="$(daemon_pid imapd)" >"$SUITE/rows" 2>&1
  sed '$d' "$SUITE/rows"
  PASSED=$((PASSED + $(grep -c '^ok ' "$SUITE/rows"))) FAILED=$((FAILED + $(grep -c '^FAIL ' "$SUITE/rows")))
  [ "$(tail -1 "$SUITE/rows")" = end ] || { tail -3 "$SUITE/rows"; fail "secrets_keys.py came to its end"; }
}
suite_stop
SINK=$(port 26)
mkdir "$SUITE/sunk" "$SUITE/keys"
printf 'transport "signed.test" {\n  host = "127.0.0.1"\n  port = %s\n  tls = "none"\n}\n' "$SINK" >>"$CONF"
python3 "$HERE/../attacks/sink.py" "$SINK" "$SUITE/sunk" PIPELINING >"$SUITE/sink.out" 2>&1 & SINK_PID=$!
trap 'suite_stop; kill $SINK_PID 2>/dev/null' EXIT
check "a domain is signed" "$PILLARBOX" -c "$CONF" dkim add $DOMAIN
find "$SUITE/data" -path '*dkim*' -type f -exec cp {} "$SUITE/keys/" \;
for f in "$SUITE"/keys/*; do case $f in *.pem) ;; *) mv "$f" "$f.pem" ;; esac; done
equal "with two keys" "$(ls "$SUITE/keys" | wc -l)" 2
suite_run
message x@signed.test signed | sed 's/$/\r/' >"$SUITE/m.txt"
check "mail is submitted" curl -sS --cacert "$CA" "smtps://localhost:$(port 465)" -u "$U1:$PW" --mail-from $U1 --mail-rcpt x@signed.test -T "$SUITE/m.txt"
for _ in $(seq 1 100); do grep -lq '^DKIM-Signature' "$SUITE"/sunk/* 2>/dev/null && break; sleep 0.1; done
check "and leaves with a signature" grep -q '^DKIM-Signature' "$SUITE/sunk/$SINK.1"
keys used
for f in "$SUITE"/keys/*.pem; do s=$(basename "$f"); check "${s%%.*} is removed" "$PILLARBOX" -c "$CONF" dkim remove --yes $DOMAIN "${s%%.*}"; done
cp "$SUITE/tls/server-key.pem" "$SUITE/keys/old-tls.key"
"$PILLARBOX" init --dir "$SUITE/other" --domain $DOMAIN --listen $HOST --port-offset "$OFFSET" >/dev/null 2>&1
cp "$SUITE"/other/tls/* "$SUITE/tls/"
rm -rf "$SUITE/other"
kill -HUP $SUITE_PID; sleep 1.5
keys gone
kill $SINK_PID
suite_stop

PROVIDER=$((OFFSET + 1))
/usr/bin/python3 "$HERE/oauth_provider.py" $PROVIDER "$SUITE" 2>>"$SUITE/log" &
PROVIDER_PID=$!
trap 'suite_stop; kill $PROVIDER_PID $SINK_PID 2>/dev/null' EXIT
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
