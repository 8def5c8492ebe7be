#!/bin/bash
# AUTH=EXTERNAL with client certificates: Python's imaplib, poplib and smtplib, and curl, over OpenSSL.
. "$(dirname "$0")/lib.sh"
need openssl python3 curl
suite_start
suite_stop
mkdir "$SUITE/clients"
cd "$SUITE/clients" || exit 1
authority() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$1" -keyout "$1.key" -out "$1.pem" 2>>"$SUITE/log"; }
# certificate NAME AUTHORITY DAYS EXTENSIONS
certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>>"$SUITE/log"
  printf '%b' "$4" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days "$3" -extfile "$1.ext" -out "$1.pem" 2>>"$SUITE/log"
}
authority ours
authority other
certificate u1 ours 30 "subjectAltName=email:$U1\nextendedKeyUsage=clientAuth\n"
certificate nobody ours 30 "subjectAltName=email:nobody@$DOMAIN\n"
certificate nameless ours 30 "keyUsage=digitalSignature\n"
certificate stranger other 30 "subjectAltName=email:$U1\n"
certificate server ours 30 "subjectAltName=email:$U1\nextendedKeyUsage=serverAuth\n"
certificate old ours -1 "subjectAltName=email:$U1\n"
cd - >/dev/null || exit 1
sed -i -E "s|^[[:space:]]*key = .*|&\n\tclient_authorities = \"$SUITE/clients/ours.pem\"|" "$CONF"
grep -q "client_authorities = \"$SUITE" "$CONF" || fail "no option client_authorities in $CONF"
suite_run
check "EXTERNAL for those with a good certificate, and only them" python3 "$HERE/client_certificate.py" $OFFSET "$SUITE" "$PW"
check "curl logs in by certificate" curl -sS --cacert "$CA" --cert "$SUITE/clients/u1.pem" --key "$SUITE/clients/u1.key" --login-options AUTH=EXTERNAL -u "$U1:" "imaps://localhost:$(port 993)/" -X 'STATUS INBOX (MESSAGES)'
has "and is answered" 'STATUS INBOX'
check "the log names the mechanism" grep -q "login .*user=$U1 mechanism=EXTERNAL" "$SUITE/log"
finish
