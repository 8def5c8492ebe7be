#!/bin/bash
# Where mail goes, by a real name server: each case of MX, addresses, DNSSEC and DANE. tests/outbound/show_route asks as smtpd does.
# Debian packages: pdns-recursor, beside those of nameserver.sh.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/nameserver.sh"
need openssl python3 pdns_recursor
SHOW=$PB_BUILD/tests/outbound/show_route
SUITE=$(mktemp -d /tmp/pillarbox-interop.XXXXXX)
: >"$SUITE/log"
"$PILLARBOX" init --dir "$SUITE/made" --domain $DOMAIN --listen $HOST --port-offset 17900 >"$SUITE/init" 2>&1 || { cat "$SUITE/init"; fail init; finish; }
HEX=$(printf %064d 7)

nameserver_zone plain.org <<'Z'
@ MX 20 mx2
@ MX 10 mx1
mx1 A 127.0.0.11
mx1 AAAA ::1
mx2 A 127.0.0.12
@ A 127.0.0.99
null MX 0 .
bare A 127.0.0.13
nothing TXT "only a text"
alias CNAME @
cnamemx MX 10 pointer
pointer CNAME mx1
loose MX 10 gone
loose MX 20 mx2
lost MX 10 gone
us MX 10 mail.example.test.
below MX 5 mx1
below MX 10 mail.example.test.
below MX 20 mx2
dead MX 10 mx.refused.org.
half MX 10 mx.refused.org.
half MX 20 mx2
; what a TLSA record says where the MX is not signed is nothing
_25._tcp.mx1 TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000007
Z
nameserver_zone --signed secure.org <<Z
@ MX 10 mx1
@ MX 20 mx2
mx1 A 127.0.0.21
_25._tcp.mx1 TLSA 3 1 1 $HEX
_25._tcp.mx1 TLSA 2 0 1 $HEX
_25._tcp.mx1 TLSA 0 0 1 $HEX
mx2 A 127.0.0.22
unusable MX 10 mx3
mx3 A 127.0.0.23
_25._tcp.mx3 TLSA 1 0 1 $HEX
alias MX 10 mx4
mx4 CNAME real
real A 127.0.0.24
_25._tcp.real TLSA 3 1 1 $HEX
ownname MX 10 mx5
mx5 CNAME bare
bare A 127.0.0.25
_25._tcp.mx5 TLSA 3 1 1 $HEX
outside MX 10 mx6
mx6 CNAME mx1.plain.org.
_25._tcp.mx6 TLSA 3 1 1 $HEX
foreign MX 10 mx1.plain.org.
itself A 127.0.0.26
_25._tcp.itself TLSA 3 1 1 $HEX
elsewhere MX 10 mx.spoilt.org.
mixed MX 10 mxt.broken.org.
mixed MX 20 mx2
lonely MX 10 mxt.broken.org.
Z
nameserver_zone --signed spoilt.org <<Z
@ MX 10 mx
mx A 127.0.0.31
Z
nameserver_spoil spoilt.org 's/127\.0\.0\.31/127.0.0.32/; s/MX[[:space:]]+10/MX 11/'
nameserver_zone --signed broken.org <<Z
mxt A 127.0.0.41
_25._tcp.mxt TLSA 3 1 1 $HEX
Z
nameserver_spoil broken.org "s/$HEX/$(printf %064d 8)/"
STS="good testing none other redirect html big cut badname lost"
{
  echo 'mx1 A 127.0.0.51'
  echo 'mx2 A 127.0.0.52'
  for d in $STS; do
    printf '%s MX 10 mx1\n%s MX 20 mx2\n_mta-sts.%s TXT "v=STSv1; id=1;"\nmta-sts.%s A 127.0.0.1\n' "$d" "$d" "$d" "$d"
  done
} | nameserver_zone sts.org
start_nameserver

# The servers of policies: an authority, a certificate for all names but one, and an answer for each.
mkdir "$SUITE/sts"
(
  cd "$SUITE/sts" || exit 1
  sans=
  for d in $STS; do [ "$d" = badname ] || sans=$sans${sans:+,}DNS:mta-sts.$d.sts.org; done
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority
  openssl req -newkey rsa:2048 -nodes -keyout key.pem -out csr.pem -subj /CN=policies
  printf 'subjectAltName=%s\n' "$sans" >ext
  openssl x509 -req -in csr.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out cert.pem
) >"$SUITE/openssl" 2>&1 || { cat "$SUITE/openssl"; fail certificates; finish; }
answer() { # NAME TYPE MODE MX: a policy served as it should be
  local policy="version: STSv1\r\nmode: $3\r\nmx: $4\r\nmax_age: 86400\r\n"
  printf 'HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%b' "$2" "$(printf %b "$policy" | wc -c)" "$policy" >"$SUITE/sts/mta-sts.$1.sts.org"
}
answer good 'text/plain; charset=utf-8' enforce 'mx1.sts.org'
answer testing text/plain testing 'mx1.sts.org'
answer none text/plain none 'mx1.sts.org'
answer other text/plain enforce 'mx.elsewhere.org'
answer html text/html enforce 'mx1.sts.org'
answer badname text/plain enforce 'mx1.sts.org'
printf 'HTTP/1.1 301 Moved\r\nLocation: https://mta-sts.good.sts.org/.well-known/mta-sts.txt\r\n\r\n' >"$SUITE/sts/mta-sts.redirect.sts.org"
{ printf 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nversion: STSv1\nmode: enforce\nmx: mx1.sts.org\nmax_age: 86400\n'; yes 'ext: x' | head -c 70000; } >"$SUITE/sts/mta-sts.big.sts.org"
printf 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 500\r\n\r\nversion: STSv1\nmode: enforce\nmax_age: 86400\nmx: mx1.sts.org\n' >"$SUITE/sts/mta-sts.cut.sts.org"
python3 "$HERE/sts_server.py" "$SUITE/sts/cert.pem" "$SUITE/sts/key.pem" "$SUITE/sts" >"$SUITE/sts/port" &
STS_PID=$!
while [ ! -s "$SUITE/sts/port" ]; do sleep 0.05; done

# conf NAME LINES: the configuration of this script's data with these lines
conf() {
  {
    printf 'hostname = "mail.example.test"\ndata_dir = "%s"\nrun_dir = "%s"\n' "$SUITE/made/data" "$SUITE/made/run"
    nameserver_options
    echo "$2"
  } >"$SUITE/$1.conf"
}
DATA=$(sed -n 's/^data_dir = "\(.*\)"/\1/p' "$SUITE/made/pillarbox.conf")
[ -e "$SUITE/made/data" ] || ln -s "$(cd "$SUITE/made" && cd "${DATA:-.}" && pwd)" "$SUITE/made/data"
conf open 'outbound {
allow_private = yes
}'
conf strict ''
# route CONF DOMAIN WANTED: what show_route says begins so
route() {
  local got
  got=$("$SHOW" "$SUITE/$1.conf" "$2" 2>>"$SUITE/log") || got="show_route failed: $(tail -1 "$SUITE/log")"
  case $got in "$2: $3"*) pass "$2 ($1): $3" ;; *) fail "$2 ($1): got '$got', wanted '$3'" ;; esac
}
route open plain.org 'smtp mx1.plain.org [::1]:25 127.0.0.11:25 [none proof=any] mx2.plain.org 127.0.0.12:25 [none proof=any]'
route strict plain.org 'refused 550 5.4.4'
route open null.plain.org 'refused 556 5.1.10'
route open bare.plain.org 'smtp bare.plain.org 127.0.0.13:25 [none'
route open nothing.plain.org 'refused 550 5.1.2'
route open missing.plain.org 'refused 550 5.1.2 there is no domain missing.plain.org'
route open alias.plain.org 'smtp mx1.plain.org'
route open cnamemx.plain.org 'smtp pointer.plain.org [::1]:25 127.0.0.11:25'
route open loose.plain.org 'smtp mx2.plain.org 127.0.0.12:25 [none'
route open lost.plain.org 'refused 550 5.4.4'
route open us.plain.org 'refused 554 5.4.6'
route open below.plain.org 'smtp mx1.plain.org [::1]:25 127.0.0.11:25 [none proof=any]'
route open dead.plain.org 'later 451 4.4.3'
route open half.plain.org 'smtp mx2.plain.org 127.0.0.12:25 [none'
route open nowhere.refused.org 'later 451 4.4.3' # a name server that refuses is none that says no
route open $DOMAIN local
route open '[127.0.0.1]' 'smtp [127.0.0.1] 127.0.0.1:25'
route strict '[127.0.0.1]' 'refused 550 5.4.4'
# DNSSEC and DANE (RFC 7672)
route open secure.org 'smtp mx1.secure.org 127.0.0.21:25 [dane must_tls proof=dane tlsa=2 base=mx1.secure.org] mx2.secure.org 127.0.0.22:25 [none proof=any] secure'
route open unusable.secure.org 'smtp mx3.secure.org 127.0.0.23:25 [dane must_tls proof=any] secure'
route open alias.secure.org 'smtp mx4.secure.org 127.0.0.24:25 [dane must_tls proof=dane tlsa=1 base=real.secure.org] secure'
route open ownname.secure.org 'smtp mx5.secure.org 127.0.0.25:25 [dane must_tls proof=dane tlsa=1 base=mx5.secure.org] secure'
route open outside.secure.org 'smtp mx6.secure.org [::1]:25 127.0.0.11:25 [dane must_tls proof=dane tlsa=1 base=mx6.secure.org] secure'
route open foreign.secure.org 'smtp mx1.plain.org [::1]:25 127.0.0.11:25 [none proof=any] secure'
route open itself.secure.org 'smtp itself.secure.org 127.0.0.26:25 [dane must_tls proof=dane tlsa=1 base=itself.secure.org] secure'
route open missing.secure.org 'refused 550 5.1.2'
route open spoilt.org 'later 451 4.4.3'
route open elsewhere.secure.org 'later 451 4.4.3'
route open lonely.secure.org 'later 451 4.7.5' # who can spoil a TLSA record does not switch DANE off
route open mixed.secure.org 'smtp mx2.secure.org 127.0.0.22:25 [none proof=any] secure'
# MTA-STS (RFC 8461)
conf sts "outbound {
allow_private = yes
policy_port = $(cat "$SUITE/sts/port")
ca_file = \"$SUITE/sts/ca.pem\"
}"
ENFORCED='smtp mx1.sts.org 127.0.0.51:25 [sts must_tls proof=names] secure'
PLAIN='smtp mx1.sts.org 127.0.0.51:25 [none proof=any] mx2.sts.org 127.0.0.52:25 [none proof=any]'
route sts good.sts.org "$ENFORCED"
route sts testing.sts.org 'smtp mx1.sts.org 127.0.0.51:25 [sts proof=names] mx2.sts.org 127.0.0.52:25 [sts proof=any] testing'
route sts none.sts.org "$PLAIN"
route sts other.sts.org 'later 451 4.7.5'
route sts redirect.sts.org "$PLAIN sts-policy-fetch-error" # §3.3: not followed
route sts html.sts.org "$PLAIN sts-policy-invalid"
route sts big.sts.org "$PLAIN sts-policy-invalid"
route sts cut.sts.org "$PLAIN sts-policy-fetch-error"
route sts badname.sts.org "$PLAIN sts-webpki-invalid"
route sts lost.sts.org "$PLAIN sts-policy-fetch-error"
equal "a policy that is kept is not fetched again" "$(grep -c mta-sts.good "$SUITE/sts/log")" 1
route sts good.sts.org "$ENFORCED"
equal "… by another process either" "$(grep -c mta-sts.good "$SUITE/sts/log")" 1
kill $STS_PID
sed -i 's/^_mta-sts.good TXT .*/_mta-sts.good TXT "v=STSv1; id=2;"/' "$NS_DIR/sts.org.served"
nameserver_reload
route sts good.sts.org "$ENFORCED sts-policy-fetch-error" # §5.1: what was fetched holds
# without an anchor nothing is validated, and DANE is not asked for
sed 's|trust_anchor_file = .*|trust_anchor_file = ""|' "$SUITE/open.conf" >"$SUITE/blind.conf"
route blind secure.org 'smtp mx1.secure.org 127.0.0.21:25 [none proof=any] mx2.secure.org'
# nobody answers: told in time, and not for good
python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
time.sleep(30)' >"$SUITE/mute" &
MUTE=$!
while [ ! -s "$SUITE/mute" ]; do sleep 0.05; done
sed "s|\"$NAMESERVER\"|\"127.0.0.1@$(cat "$SUITE/mute")\"|; s|trust_anchor_file = .*|timeout = 2s|" "$SUITE/open.conf" >"$SUITE/mute.conf"
began=$(date +%s%N)
route mute plain.org 'later 451 4.4.3'
took=$((($(date +%s%N) - began) / 1000000))
if [ $took -lt 5000 ]; then pass "a mute name server is waited for two seconds ($took ms)"; else fail "a mute name server: $took ms"; fi
kill $MUTE

# A resolver that drops DNSSEC's records, as some home routers do: PowerDNS Recursor is told to. forwarder off|process-no-validate
FORWARD=$((${NAMESERVER#*@} + 1))
while (exec 3<>"/dev/tcp/127.0.0.1/$FORWARD") 2>/dev/null; do FORWARD=$((FORWARD + 1)); done
end_forwarder() { [ -z "$FORWARDER" ] || { kill "$FORWARDER"; wait "$FORWARDER"; } 2>/dev/null; }
forwarder() {
  end_forwarder
  printf '%s\n' local-address=127.0.0.1 "local-port=$FORWARD" "socket-dir=$SUITE" "forward-zones-recurse=.=${NAMESERVER/@/:}" dont-query= \
    allow-from=127.0.0.0/8 "dnssec=$1" daemon=no setuid= setgid= hint-file=no threads=1 security-poll-suffix= >"$SUITE/recursor.conf"
  pdns_recursor --config-dir="$SUITE" >"$SUITE/recursor.log" 2>&1 &
  FORWARDER=$!
  for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$FORWARD") 2>/dev/null && return; sleep 0.05; done
  cat "$SUITE/recursor.log"
  fail "the resolver did not start"
}
FORWARDER=
nameserver_zone --signed root <<'Z'
org NS ns
Z
nameserver_reload
forwarder off
sed "s|$NAMESERVER|127.0.0.1@$FORWARD|" "$SUITE/open.conf" >"$SUITE/stripped.conf"
route stripped secure.org 'smtp mx1.secure.org 127.0.0.21:25 [none proof=any] mx2.secure.org 127.0.0.22:25 [none proof=any]'
route stripped plain.org 'smtp mx1.plain.org [::1]:25 127.0.0.11:25 [none'
if grep -q "dns_not_validated.*127.0.0.1@$FORWARD.*from_root" "$SUITE/log"; then pass "the log says so, and what to do"; else fail "nothing in the log: $(tail -3 "$SUITE/log")"; fi
coproc ASK { "$PB_BUILD/tests/dns/ask" "$SUITE/stripped.conf" 500 2>>"$SUITE/ask.log"; }
# asks NAME WANTED: of one process that lives on
asks() {
  local got=
  echo "$1" >&"${ASK[1]}"
  read -r -t 30 got <&"${ASK[0]}"
  equal "one process asks for $1" "$got" "$1 $2"
}
asks secure.org found
asks spoilt.org found # nothing is validated: nothing is bogus
forwarder process-no-validate
for _ in $(seq 100); do grep -q dns_validated "$SUITE/ask.log" && break; sleep 0.1; done
asks secure.org "found secure"
asks elsewhere.secure.org "found secure"
asks spoilt.org bogus # its own signatures are wrong, the root's are not
forwarder off # somebody drops them later: that switches nothing off
asks unusable.secure.org bogus
sleep 1
asks mixed.secure.org bogus
equal "… as the log says" "$(grep -c dns_not_validated "$SUITE/ask.log")" 1
exec {ASK[1]}>&-
end_forwarder
finish
