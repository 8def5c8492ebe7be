#!/bin/bash
# Signatures against others: dkimpy and opendkim verify what we sign, we verify what they sign, ARC included; keys are published in a real
# name server as `dns show` prints them; forwards and the reports for them go both ways.
# Debian packages: python3-dkim, python3-nacl, python3-authres, opendkim, opendkim-tools (and nsd, ldnsutils).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/nameserver.sh"
PYTHON=/usr/bin/python3 # Debian's, which has Debian's modules
PEERS="$PYTHON $HERE/dkim_peers.py"
need opendkim opendkim-genkey openssl swaks
$PYTHON -c 'import authres, dkim, nacl' || { fail "python3-dkim is not installed"; finish; }

nameserver_zone $DOMAIN <<<''
nameserver_zone example.net <<<''
start_nameserver
suite_start
suite_stop
SINK=$((OFFSET + 2525))
mkdir "$SUITE/sink" "$SUITE/keys" "$SUITE/peer"
$PEERS sink $SINK "$SUITE/sink" >"$SUITE/sink.out" 2>&1 &
SINK_PID=$!
trap 'kill $SINK_PID 2>/dev/null; stop_nameserver; suite_stop' EXIT
{ nameserver_options; printf 'transport "*" {\n\thost = "127.0.0.1"\n\tport = %s\n\ttls = none\n}\n' $SINK; } >>"$CONF"
pb() { "$PILLARBOX" -c "$CONF" "$@"; }
arrived() { local i; for i in $(seq 1 200); do [ -f "$SUITE/sink/$1.eml" ] && return 0; sleep 0.05; done; return 1; }
# publish [LINES]: the zone as `dns show` prints it, and what only the owner knows
publish() { { pb dns show $DOMAIN; printf 'mail IN A 192.0.2.25\n%s\n' "${1:-}"; } | nameserver_zone $DOMAIN; nameserver_reload; }
# keys: what is published, as files for dkimpy and as `name TAB record` lines for opendkim
keys() {
  rm -f "$SUITE"/keys/*
  pb dns show $DOMAIN --json | $PYTHON -c 'import json, sys
for r in json.load(sys.stdin):
    if "._domainkey." in r["name"]:
        open(sys.argv[1] + "/" + r["name"], "w").write(r["value"])' "$SUITE/keys"
  cp "$SUITE/peer/"*._domainkey.* "$SUITE/keys/" 2>/dev/null
  for f in "$SUITE"/keys/*; do echo "${f##*/} $(cat "$f")"; done >"$SUITE/opendkim.keys"
}

# -- keys, their records, and the check of them
check "a domain is signed" pb dkim add $DOMAIN
refuse "but once" pb dkim add $DOMAIN
refuse "what is not published is missed" pb dns check $DOMAIN
has "with a word for it" 'MISSING MX'
nameserver_zone 2.0.192.in-addr.arpa <<<''
publish
refuse "an address that does not lead back is told" pb dns check $DOMAIN
has "by its name" 'MISSING PTR  25.2.0.192.in-addr.arpa'
nameserver_zone 2.0.192.in-addr.arpa <<<'25 PTR mail.example.test.'
publish
check "what dns show prints is what a name server takes, and dns check finds" pb dns check $DOMAIN
check "in JSON too" bash -c "'$PILLARBOX' -c '$CONF' dns check $DOMAIN --json | $PYTHON -c 'import json, sys; sys.exit(any(r[\"state\"] != \"as wanted\" for r in json.load(sys.stdin)))'"
publish '_dmarc IN TXT "v=DMARC1; p=none"'
refuse "two policies are none" pb dns check $DOMAIN
has "and both are shown" 'WRONG   TXT  _dmarc'
publish
suite_run

# -- ours, by others
for text in 'plain text' $'trailing blanks  \n\n  and  runs\t of them \n\n\n' $'.\n..dots\n.' 'ümläut' ''; do
  n=$((${n:-0} + 1))
  message bob@example.net "one  $n" "$text" >"$SUITE/m.eml"
  check "message $n goes out" swaks --server $HOST:"$(port 465)" --tls-on-connect --auth-user $U1 --auth-password $PW --from $U1 --to bob@example.net --data @"$SUITE/m.eml"
  check "message $n arrives" arrived $n
done
keys
for i in 1 2 3 4 5; do
  check "dkimpy looks at message $i" $PEERS verify "$SUITE/keys" "$SUITE/sink/$i.eml"
  equal "and both signatures pass" "$(sed 's/[0-9]*b*//g' "$SUITE/out" | sort | tr '\n' ' ')" "e pass r pass "
  printf 'TestPublicKeys %s\nMode v\nAlwaysAddARHeader yes\nAuthservID peer.test\n' "$SUITE/opendkim.keys" >"$SUITE/opendkim.conf"
  check "opendkim looks at message $i" opendkim -x "$SUITE/opendkim.conf" -v -v -t "$SUITE/sink/$i.eml"
  has "and ours of RSA passes" 'dkim=pass .*header.s=r'
  has "and of Ed25519" 'dkim=pass .*header.s=e'
  check "so do we, by the DNS" pb dkim verify "$SUITE/sink/$i.eml"
  equal "both" "$(grep -c '^dkim=pass' "$SUITE/out")" 2
done
sed 's/plain text/plain test/' "$SUITE/sink/1.eml" >"$SUITE/forged.eml"
refuse "a changed body is seen" pb dkim verify "$SUITE/forged.eml"
sed 's/^Subject: one/Subject: two/' "$SUITE/sink/1.eml" >"$SUITE/forged.eml"
refuse "a changed header is seen" pb dkim verify "$SUITE/forged.eml"
sed '1,/^From:/s/^From:/From: eve@example.net\r\nFrom:/' "$SUITE/sink/1.eml" >"$SUITE/forged.eml"
refuse "an added From is seen" pb dkim verify "$SUITE/forged.eml"

# -- theirs, by us
openssl genrsa -traditional -out "$SUITE/peer/rsa.pem" 2048 2>/dev/null
$PYTHON -c 'import base64, nacl.signing, sys
k = nacl.signing.SigningKey.generate()
open(sys.argv[1] + "/ed25519.key", "wb").write(base64.b64encode(bytes(k)))
open(sys.argv[1] + "/ed25519.record", "w").write("v=DKIM1; k=ed25519; p=" + base64.b64encode(bytes(k.verify_key)).decode())' "$SUITE/peer"
echo "v=DKIM1; k=rsa; p=$(openssl rsa -in "$SUITE/peer/rsa.pem" -pubout -outform DER 2>/dev/null | base64 -w0)" >"$SUITE/peer/rsa.record"
NAME=peer._domainkey.example.net
for canon in simple/simple simple/relaxed relaxed/simple relaxed/relaxed; do
  for i in 2 4; do
    $PEERS sign "$SUITE/peer/rsa.pem" rsa $canon "$SUITE/sink/$i.eml" >"$SUITE/theirs.eml"
    check "dkimpy's rsa $canon of message $i" pb dkim verify "$SUITE/theirs.eml" --key $NAME="$SUITE/peer/rsa.record"
    $PEERS sign "$SUITE/peer/ed25519.key" ed25519 $canon "$SUITE/sink/$i.eml" >"$SUITE/theirs.eml"
    check "dkimpy's ed25519 $canon of message $i" pb dkim verify "$SUITE/theirs.eml" --key $NAME="$SUITE/peer/ed25519.record"
  done
done
$PEERS sign "$SUITE/peer/rsa.pem" rsa relaxed/relaxed "$SUITE/sink/1.eml" 1 >"$SUITE/theirs.eml"
check "with l=" pb dkim verify "$SUITE/theirs.eml" --key $NAME="$SUITE/peer/rsa.record"
echo "and more" >>"$SUITE/theirs.eml"
refuse "but not with what was added behind it" pb dkim verify "$SUITE/theirs.eml" --key $NAME="$SUITE/peer/rsa.record"
has "which is told" 'policy .*only the beginning'
for canon in simple relaxed; do
  printf 'Mode s\nDomain example.net\nSelector peer\nKeyFile %s\nSignatureAlgorithm rsa-sha256\nCanonicalization %s\nRequireSafeKeys no\n' "$SUITE/peer/rsa.pem" $canon/$canon >"$SUITE/opendkim.conf"
  sed 's/@example.test/@example.net/; s/\r$//' "$SUITE/sink/2.eml" | sed '/^DKIM-Signature/,/^Received/{/^Received/!d}' >"$SUITE/plain.eml"
  opendkim -x "$SUITE/opendkim.conf" -v -t "$SUITE/plain.eml" >"$SUITE/field" 2>&1
  { sed -n '/^DKIM-Signature/,$p' "$SUITE/field"; cat "$SUITE/plain.eml"; } >"$SUITE/theirs.eml"
  check "opendkim's $canon" pb dkim verify "$SUITE/theirs.eml" --key $NAME="$SUITE/peer/rsa.record"
done

# -- forwards: SRS, ARC, reports that come back
check "mail goes on" pb account forward $U2 ann@example.net
message $U2 forwarded 'to go on' | sed 's/^From: .*/From: eve@example.net/' >"$SUITE/m.eml"
check "a stranger's message is taken" swaks --server $HOST:"$(port 25)" --from eve@example.net --to $U2 --data @"$SUITE/m.eml"
check "and arrives there" arrived 6
check "with a sender of ours" grep -Eq '^MAIL FROM:<SRS0=.*=example.net=eve@example.test>' "$SUITE/sink/6.envelope"
check "for the address of the forward" grep -q '^RCPT TO:<ann@example.net>' "$SUITE/sink/6.envelope"
check "dkimpy looks at its chain" $PEERS arc "$SUITE/keys" "$SUITE/sink/6.eml"
equal "and it holds" "$(tail -1 "$SUITE/out")" pass
pb dkim verify "$SUITE/sink/6.eml" >"$SUITE/out" 2>&1
has "for us too" 'arc=pass sets=1'
cp "$SUITE/peer/rsa.record" "$SUITE/keys/$NAME"
nameserver_zone example.net <<<"peer._domainkey TXT $($PYTHON -c 'import sys
r = open(sys.argv[1]).read().strip()
print(" ".join("\"%s\"" % r[i:i + 200] for i in range(0, len(r), 200)))' "$SUITE/peer/rsa.record")"
nameserver_reload
$PEERS seal "$SUITE/peer/rsa.pem" "$SUITE/sink/6.eml" >"$SUITE/sealed.eml" 2>"$SUITE/err" || cat "$SUITE/err"
pb dkim verify "$SUITE/sealed.eml" >"$SUITE/out" 2>&1
has "and with one more set by dkimpy" 'arc=pass sets=2'
sed 's/to go on/to go of/' "$SUITE/sealed.eml" >"$SUITE/forged.eml"
pb dkim verify "$SUITE/forged.eml" >"$SUITE/out" 2>&1
has "a change of it breaks the chain" 'arc=fail sets=2: the body was changed'
BACK=$(sed -n 's/^MAIL FROM:<\(SRS0[^>]*\)>.*/\1/p' "$SUITE/sink/6.envelope")
check "a report for it is taken" swaks --server $HOST:"$(port 25)" --from '<>' --to "$BACK" --data @"$SUITE/m.eml"
check "and goes on" arrived 7
check "to the sender" grep -q '^RCPT TO:<eve@example.net>' "$SUITE/sink/7.envelope"
check "with the null sender" grep -q '^MAIL FROM:<>' "$SUITE/sink/7.envelope"
refuse "a forged one is not" swaks --server $HOST:"$(port 25)" --from '<>' --to "SRS0=aaaaaaaa=aa=example.net=eve@$DOMAIN"
refuse "nor other mail by it" swaks --server $HOST:"$(port 25)" --from eve@example.net --to "$BACK"
refuse "what comes back is not forwarded again" swaks --server $HOST:"$(port 25)" --from eve@example.net --to $U2 --data @<(sed 's/\r$//' "$SUITE/sink/6.eml")
has "and its sender is told" '554 5.4.6'

# -- rotation
check "new keys wait" pb dkim rotate $DOMAIN
refuse "until they are published" pb dkim rotate $DOMAIN
publish
check "then they sign" pb dkim rotate $DOMAIN
keys
message bob@example.net 'with new keys' >"$SUITE/m.eml"
check "a message goes out" swaks --server $HOST:"$(port 465)" --tls-on-connect --auth-user $U1 --auth-password $PW --from $U1 --to bob@example.net --data @"$SUITE/m.eml"
check "and arrives" arrived 8
check "dkimpy looks at it" $PEERS verify "$SUITE/keys" "$SUITE/sink/8.eml"
equal "new keys signed it, and it passes" "$(sed 's/[0-9]*//g' "$SUITE/out" | sort | tr '\n' ' ')" "eb pass rb pass "
check "what was signed before still does" pb dkim verify "$SUITE/sink/1.eml"
OLD=$(pb dkim list $DOMAIN | awk '/retired/ {print $2; exit}')
check "a retired key can go" pb dkim remove $DOMAIN "$OLD"
refuse "one that signs only with --yes" pb dkim remove $DOMAIN "$(pb dkim list $DOMAIN | awk '/signing/ {print $2; exit}')"

# -- chains: what another sealed is sealed once more by us, over two hops (RFC 8617 §5.1)
# hop NUMBER FILE WHAT: the message comes from another server and goes on as NUMBER
hop() { check "$3 is taken" swaks --server $HOST:"$(port 25)" --from list@example.net --to $U2 --data @<(sed 's/\r$//' "$2"); check "and goes on" arrived $1; }
chain() { $PEERS arc "$SUITE/keys" "$SUITE/sink/$1.eml" 2>/dev/null | tail -1; } # NUMBER: what dkimpy says
last_seal() { grep -aom1 '^ARC-Seal: i=[0-9]*; a=rsa-sha256; cv=[a-z]*' "$SUITE/sink/$1.eml"; } # NUMBER
keys
cp "$SUITE/peer/rsa.record" "$SUITE/keys/$NAME"
message $U2 'by a list' 'to go on twice' | sed 's/^From: .*/From: eve@example.net/' >"$SUITE/m.eml"
hop 9 "$SUITE/m.eml" "a message without a chain"
equal "it gets the first set" "$(last_seal 9)" "ARC-Seal: i=1; a=rsa-sha256; cv=none"
sed 's/\r$//' "$SUITE/m.eml" | sed 's/$/\r/' >"$SUITE/plain.eml"
$PEERS seal "$SUITE/peer/rsa.pem" "$SUITE/plain.eml" none >"$SUITE/theirs.eml" 2>"$SUITE/err" || cat "$SUITE/err"
hop 10 "$SUITE/theirs.eml" "a message that another has sealed"
equal "it gets the second set, which says that the chain held" "$(last_seal 10)" "ARC-Seal: i=2; a=rsa-sha256; cv=pass"
equal "and holds for dkimpy" "$(chain 10)" pass
pb dkim verify "$SUITE/sink/10.eml" >"$SUITE/out" 2>&1
has "and for us" 'arc=pass sets=2'
sed 's/to go on twice/to go on thrice/' "$SUITE/theirs.eml" >"$SUITE/forged.eml"
hop 11 "$SUITE/forged.eml" "a message that was changed since"
equal "its second set says that it was" "$(last_seal 11)" "ARC-Seal: i=2; a=rsa-sha256; cv=fail"
equal "and dkimpy sees that it ends there" "$(chain 11)" ended

# -- what the queue brings to ourselves goes on, too
message $U2 'for later' | sed "s/^From: .*/From: $U1/" >"$SUITE/m.eml"
check "a message for later to one who forwards" $PYTHON -c 'import smtplib, ssl, sys
s = smtplib.SMTP_SSL(sys.argv[1], int(sys.argv[2]), context=ssl._create_unverified_context())
s.login(sys.argv[3], sys.argv[5])
s.sendmail(sys.argv[3], [sys.argv[4]], open(sys.argv[6]).read(), mail_options=["HOLDFOR=1"])' $HOST "$(port 465)" $U1 $U2 $PW "$SUITE/m.eml"
check "arrives where it goes on to" arrived 12
check "for that address" grep -q '^RCPT TO:<ann@example.net>' "$SUITE/sink/12.envelope"
check "signed, since we know whose it is" grep -q "^DKIM-Signature:.* d=$DOMAIN" "$SUITE/sink/12.eml"
check "a stranger's message in our name is taken" swaks --server $HOST:"$(port 25)" --from eve@example.net --to $U2 --data @"$SUITE/m.eml"
check "and goes on" arrived 13
refuse "unsigned" grep -q '^DKIM-Signature:' "$SUITE/sink/13.eml"
check "but sealed" grep -q '^ARC-Seal: i=1;' "$SUITE/sink/13.eml"
if grep -rIl 'PRIVATE KEY' "$SUITE/log" >/dev/null; then fail "a key in the log"; else pass "no key is in the log"; fi
finish
