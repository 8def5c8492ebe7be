#!/bin/bash
# What users send to other servers, by a table of cases (sending.py): what leaves the queue, and what the sender is told,
# where the other side is Postfix, OpenSMTPD, another suite, or smtp-sink with its refusals at every step.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/nameserver.sh"
. "$(dirname "$0")/peers.sh"
PATH=$PATH:/usr/sbin
need smtp-sink python3 openssl
peers_dir
ZONE=$PEERS/zone
: >"$ZONE"
# host NAME ADDRESS: the domain NAME.peers.test with this one MX host
host() { printf '%s MX 10 mx-%s\nmx-%s A %s\n' "$1" "$1" "$1" "$2" >>"$ZONE"; }
SINKS=()
next=10
# sinks NAME OPTION...: a domain with a smtp-sink of its own
sinks() { host "$1" 127.0.13.$next; SINKS+=("127.0.13.$next ${*:2}"); next=$((next + 1)); }

sinks plain
sinks slow -w 1
sinks old -e
sinks helo -f EHLO
sinks nopipe -p
sinks seven -8 -N
sinks nodsn -N
for step in CONNECT EHLO,HELO MAIL RCPT DATA .; do
  name=${step%%,*}; name=${name,,}; name=${name/./dot}
  sinks "soft-$name" -r $step
  sinks "hard-$name" -f $step
  sinks "gone-$name" -q ${step%%,*}
  sinks "bye-$name" -Q ${step%%,*}
done
plain=127.0.13.10
cat >>"$ZONE" <<Z
dead-first MX 10 mx-nobody
dead-first MX 20 mx-plain
mx-nobody A 127.0.13.250
refusing-first MX 10 mx-hard-connect
refusing-first MX 20 mx-plain
busy-first MX 10 mx-soft-connect
busy-first MX 20 mx-plain
closing-first MX 10 mx-gone-ehlo
closing-first MX 20 mx-plain
two-addresses MX 10 mx-two
mx-two A 127.0.13.250
mx-two A $plain
nobody MX 10 mx-nobody
null MX 0 .
bare A $plain
cname CNAME plain
loop MX 10 mail.$DOMAIN.
lost MX 10 nothing
text TXT "no mail here"
xn--bcher-kva MX 10 mx-plain
Z
host postfix 127.0.14.1
host pillarbox 127.0.14.2
host opensmtpd 127.0.14.3
nameserver_zone peers.test <"$ZONE"
start_nameserver

mkdir -p "$PEERS/secret"
echo "$PW" >"$PEERS/secret/right"
echo "not it" >"$PEERS/secret/wrong"
chmod 600 "$PEERS"/secret/*
suite_start "resolvers={ \"$NAMESERVER\" }" "trust_anchor_file=\"$ANCHORS\"" allow_private=yes retry_first=1s delay_notice=2s "ca_file=\"$PEERS/ca.pem\"" max_connections=50
suite_stop
PEER_PORT=$((OFFSET + 26))
sed -i -E "s|^([[:space:]]*)#port = 25$|\1port = $PEER_PORT|" "$CONF"
for s in "${SINKS[@]}"; do
  # shellcheck disable=SC2086
  sink $s
done
start_other other 127.0.14.2 $((PEER_PORT - 25)) pillarbox.peers.test "resolvers={ \"$NAMESERVER\" }"
OTHER=$PEERS/other/pillarbox.conf
"$PILLARBOX" -c "$OTHER" domain add smart.peers.test >>"$SUITE/log" 2>&1
for a in right@smart.peers.test $U1; do
  "$PILLARBOX" -c "$OTHER" domain add "${a#*@}" >>"$SUITE/log" 2>&1
  echo "$PW" | "$PILLARBOX" -c "$OTHER" account add "$a" --password-stdin >>"$SUITE/log" 2>&1
done
cp "$PEERS/other/tls/ca.pem" "$PEERS/ca.pem"
smart() { # DOMAIN PASSWORD PORT IMPLICIT USER
  printf 'transport "%s.peers.test" {\n\thost = "127.0.14.2"\n\tport = %s\n\ttls = "required"\n\timplicit_tls = %s\n\tuser = "%s"\n\tpassword_file = "%s"\n}\n' "$1" "$3" "$4" "$5" "$PEERS/secret/$2"
}
{
  smart smart right $((PEER_PORT - 25 + 587)) no $U1
  smart smarts right $((PEER_PORT - 25 + 465)) yes $U1
  smart wrong wrong $((PEER_PORT - 25 + 587)) no u2@pillarbox.peers.test
  printf 'transport "lmtp.peers.test" {\n\tsocket = "%s"\n\tprotocol = "lmtp"\n}\n' "$PEERS/other/run/lmtp.sock"
} >>"$CONF"
for d in lmtp smarts wrong; do
  "$PILLARBOX" -c "$OTHER" domain add $d.peers.test >>"$SUITE/log" 2>&1
  echo "$PW" | "$PILLARBOX" -c "$OTHER" account add right@$d.peers.test --password-stdin >>"$SUITE/log" 2>&1
done
check "the configuration with these transports is right" "$PILLARBOX" -c "$CONF" check
suite_run
POSTFIX_ROOT=${POSTFIX_ROOT-}
HAVE=sink,pillarbox
if start_postfix 127.0.14.1 "virtual_mailbox_domains = postfix.peers.test
virtual_mailbox_maps = inline:{ {right@postfix.peers.test = right} {grey@postfix.peers.test = grey} {full@postfix.peers.test = full} {large@postfix.peers.test = large} }
virtual_transport = discard:taken
transport_maps = inline:{ {$DOMAIN = smtp:[$HOST]:$(port 25)} }
message_size_limit = 20000
smtpd_recipient_restrictions = check_recipient_access inline:{ {grey@postfix.peers.test = 450 4.7.1 Greylisted come back later} {full@postfix.peers.test = 552 5.2.2 Mailbox full} }"; then HAVE=$HAVE,postfix; else echo "SKIPPED: Postfix is not here, or this is not root"; fi
if start_opensmtpd 127.0.14.3 opensmtpd.peers.test; then HAVE=$HAVE,opensmtpd; else echo "SKIPPED: OpenSMTPD is not here, or this is not root"; fi
SENDING="$SUITE/pillarbox.conf" HAVE=$HAVE ONLY=${ONLY:-} SUITE_PID=$SUITE_PID PILLARBOX=$PILLARBOX python3 "$HERE/sending.py" $HOST "$OFFSET" "$CA" $DOMAIN $U1 $U2 "$PW" >"$SUITE/results" 2>&1
sed '$d' "$SUITE/results"
read -r p _ f _ <<<"$(tail -1 "$SUITE/results")"
case $p$f in *[!0-9]* | '') cat "$SUITE/results"; fail "sending.py gave no result" ;; *) PASSED=$((PASSED + p)) FAILED=$((FAILED + f)) ;; esac
finish
