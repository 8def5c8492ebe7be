#!/bin/bash
# GNU SASL's client: SCRAM-SHA-256 with and without channel binding, PLAIN, LOGIN; the channel binding that it does not have, in Python
. "$(dirname "$0")/lib.sh"
need gsasl python3
suite_start 'hide_mechanisms={}'
login() { # MECHANISM PASSWORD ARGUMENTS...
  local m=$1 pw=$2; shift 2
  timeout 20 gsasl "$@" --x509-ca-file="$CA" -m "$m" -a $U1 -z $U1 -p "$pw" --quality-of-protection=qop-auth --no-client-first </dev/null
}
for p in "imap $(port 143)" "smtp $(port 587)"; do
  set -- $p
  for m in PLAIN LOGIN SCRAM-SHA-256-PLUS; do
    check "$1, STARTTLS, $m" login $m "$PW" --$1 --connect "localhost:$2" --starttls
    refuse "$1, STARTTLS, $m, wrong password" login $m nein --$1 --connect "localhost:$2" --starttls
  done
  check "$1, STARTTLS, SCRAM-SHA-256 without channel binding" login SCRAM-SHA-256 "$PW" --$1 --connect "localhost:$2" --starttls --no-cb
  check "$1, no TLS, SCRAM-SHA-256" login SCRAM-SHA-256 "$PW" --$1 --connect "localhost:$2" --no-starttls
done
check "SCRAM-SHA-256-PLUS by tls-server-end-point" python3 "$HERE/scram_plus.py" $HOST "$(port 993)" "$CA" $U1 "$PW"
finish
