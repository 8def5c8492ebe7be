#!/bin/bash
# Tokens of an OAuth provider: OAUTHBEARER (RFC 7628) and XOAUTH2, at all three servers, by key set and by introspection. PyJWT makes the tokens.
# Debian's python3, which has its packages, stands in /usr/bin whatever comes first in PATH.
. "$(dirname "$0")/lib.sh"
need python3
suite_start login_failure_delay=10ms
suite_stop
PROVIDER=$((OFFSET + 1))
/usr/bin/python3 "$HERE/oauth_provider.py" $PROVIDER "$SUITE" 2>>"$SUITE/log" &
PROVIDER_PID=$!
trap 'suite_stop; kill $PROVIDER_PID 2>/dev/null' EXIT
for i in $(seq 1 100); do [ -s "$SUITE/tokens.json" ] && break; sleep 0.1; done
printf 'our-secret\n' >"$SUITE/oauth.secret"
configure() { # NAME=VALUE...
  for option in "$@"; do sed -i -E "/^oauth \{/,/^\}/s|^([[:space:]]*)#?${option%%=*}[[:space:]]*=.*|\\1${option%%=*} = ${option#*=}|" "$CONF"; done
}
configure "issuer=\"https://provider.test\"" "ca_file=\"$CA\""

configure "jwks_url=\"https://localhost:$PROVIDER/keys\"" 'audience="pillarbox"'
suite_run
check "tokens checked with the provider's keys" python3 "$HERE/oauth_clients.py" jwks $HOST "$(port 143)" "$SUITE"
suite_stop
configure 'jwks_url=""' "introspection_url=\"https://localhost:$PROVIDER/introspect\"" 'client_id="imap server"' "client_secret_file=\"$SUITE/oauth.secret\""
suite_run
check "tokens that the provider is asked about" python3 "$HERE/oauth_clients.py" introspect $HOST "$(port 143)" "$SUITE"
suite_stop
# The authority is not the provider's: nobody gets in, and the log says why.
configure 'ca_file=""'
suite_run
check "a provider that is not to be trusted is not asked" python3 "$HERE/oauth_clients.py" untrusted $HOST "$(port 143)" "$SUITE"
check "the log says so" grep -q 'oauth_provider_failed.*certificate verify failed' "$SUITE/log"
refuse "no token is in the log" grep -qF -f <(/usr/bin/python3 -c 'import json,sys; [print(t) for t in json.load(open(sys.argv[1])).values()]' "$SUITE/tokens.json") "$SUITE/log"
kill $PROVIDER_PID
finish
