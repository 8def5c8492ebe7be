#!/bin/bash
# Two suites for two domains, with a name server between them that has the records that `dns show` prints: Ann at one writes with
# mutt to Bob at the other, Bob answers with msmtp, a mail to a wrong address comes back as a report that can be read, and
# `trace` tells the story on both sides. DANE and DKIM hold both ways.
# Debian packages: mutt, msmtp, nsd, ldnsutils, python3-dkim.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/nameserver.sh"
. "$(dirname "$0")/peers.sh"
PYTHON=/usr/bin/python3 # Debian's, which has Debian's modules
need mutt msmtp openssl
$PYTHON -c 'import dkim' || { fail "python3-dkim is not installed"; finish; }
peers_dir
# Both have their ports at addresses of their own; that they may be loopback ones, and where port 25 is, must be said.
nameserver_zone east.test <<<''
nameserver_zone west.test <<<''
start_nameserver
QUEUES="0 messages, 0 recipients
0 messages, 0 recipients"
OTHERS="allow_private=yes retry_first=1s delay_notice=0"
HOST=127.0.15.1
choose_offset
PEER_PORT=$((OFFSET + 25))
for side in "east 127.0.15.1" "west 127.0.15.2"; do
  set -- $side
  # shellcheck disable=SC2086
  start_other "$1" "$2" $OFFSET "$1.test" $OTHERS port=$PEER_PORT "resolvers={ \"$NAMESERVER\" }" "trust_anchor_file=\"$ANCHORS\""
done
SUITE=$PEERS/east
east() { "$PILLARBOX" -c "$PEERS/east/pillarbox.conf" "$@"; }
west() { "$PILLARBOX" -c "$PEERS/west/pillarbox.conf" "$@"; }
ann() { python3 "$HERE/imapwire.py" count 127.0.15.1 "$(port 143)" u1@east.test "$PW" INBOX; }
bob() { python3 "$HERE/imapwire.py" count 127.0.15.2 "$(port 143)" u1@west.test "$PW" INBOX; }
# get ADDRESS USER NUMBER: the message with this number in the INBOX
get() {
  python3 - "$1" "$(port 143)" "$2" "$PW" "$3" <<'P'
import imaplib, sys
m = imaplib.IMAP4(sys.argv[1], int(sys.argv[2])); m.login(sys.argv[3], sys.argv[4]); m.select("INBOX", readonly=True)
sys.stdout.buffer.write(m.fetch(sys.argv[5], "(BODY.PEEK[])")[1][0][1])
P
}
# until WHAT COMMAND WANTED: within ten seconds the command prints it
until_is() {
  local i got
  for i in $(seq 100); do got=$($2); [ "$got" = "$3" ] && break; sleep 0.1; done
  equal "$1" "$got" "$3"
}

for side in east west; do check "$side signs its mail" $side dkim add $side.test; done
publish() { # SIDE ADDRESS: what `dns show` prints, and where its host is
  # the TLSA record is asked for at the port that is tried (RFC 7672 §3.1.3), which is not 25 here
  { $1 dns show "$1.test" | sed -E "s/^_25([.]_tcp.* TLSA .*)/&\\n_$PEER_PORT\\1/"; printf 'mail IN A %s\n' "$2"; } | nameserver_zone --signed "$1.test"
}
publish east 127.0.15.1
publish west 127.0.15.2
nameserver_reload
# the anchors are read at the start: both begin anew, as after any change in dns { }
for side in east west; do
  $side stop >>"$PEERS/$side/log" 2>&1
  : >"$PEERS/$side/ready"
  "$PILLARBOX" -c "$PEERS/$side/pillarbox.conf" run >"$PEERS/$side/ready" 2>>"$PEERS/$side/log" &
  PEER_PIDS+=($!)
  for _ in $(seq 200); do grep -q '^ready$' "$PEERS/$side/ready" && break; sleep 0.05; done
done

# Ann, with mutt
mkdir "$PEERS/mutt"
cat >"$PEERS/mutt/rc" <<Y
set smtp_url="smtp://u1@east.test@127.0.15.1:$(port 587)/" smtp_pass="$PW"
set ssl_starttls=yes ssl_force_tls=yes ssl_verify_host=no ssl_verify_dates=no certificate_file="$PEERS/east/tls/ca.pem"
set from="u1@east.test" realname="Ann" use_from=yes copy=no record="" send_charset="utf-8" charset="utf-8"
Y
mutt_sends() { HOME=$PEERS/mutt TERM=dumb LANG=C.UTF-8 LC_ALL=C.UTF-8 timeout 20 mutt -n -F "$PEERS/mutt/rc" "$@"; }
printf 'Grüße aus dem Osten\n.\n..zwei\n' >"$PEERS/text"
head -c 300000 /dev/urandom >"$PEERS/picture.bin"
check "mutt: Ann writes to Bob" mutt_sends -s 'Über den Berg' -a "$PEERS/picture.bin" -- u1@west.test <"$PEERS/text"
until_is "Bob has it" bob 1
get 127.0.15.2 u1@west.test 1 >"$PEERS/got"
equal "with its subject, text and attachment" "$(python3 - "$PEERS/got" "$PEERS/picture.bin" <<'P'
import email, email.policy, sys
m = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)
parts = list(m.walk())
print(m["Subject"], parts[1].get_content().split("\n")[0], parts[2].get_content() == open(sys.argv[2], "rb").read())
P
)" 'Über den Berg Grüße aus dem Osten True'
mkdir "$PEERS/keys"
for side in east west; do
  $side dns show $side.test --json | $PYTHON -c 'import json, sys
for r in json.load(sys.stdin):
    if "._domainkey." in r["name"]:
        open(sys.argv[1] + "/" + r["name"], "w").write(r["value"])' "$PEERS/keys"
done
verify() { $PYTHON "$HERE/dkim_peers.py" verify "$PEERS/keys" "$1" >"$SUITE/out" 2>&1; grep -c pass "$SUITE/out"; }
equal "both signatures verify by dkimpy" "$(verify "$PEERS/got")" 2

# Bob answers, with msmtp
{
  printf 'From: Bob <u1@west.test>\nTo: Ann <u1@east.test>\nSubject: Re: =?utf-8?Q?=C3=9Cber?= den Berg\nIn-Reply-To: %s\n' "$(sed -n 's/^Message-ID: *//Ip' "$PEERS/got" | tr -d '\r' | head -1)"
  printf 'Date: Sun, 22 Nov 2026 12:00:00 +0000\nMessage-ID: <answer@west.test>\n\nGut angekommen.\n'
} >"$PEERS/answer"
check "msmtp: Bob answers" msmtp -C /dev/null --host=127.0.15.2 --port="$(port 587)" --tls=on --tls-certcheck=off --auth=plain --user=u1@west.test --passwordeval="echo $PW" --from=u1@west.test --timeout=15 u1@east.test <"$PEERS/answer"
until_is "Ann has the answer" ann 1
get 127.0.15.1 u1@east.test 1 >"$PEERS/got2"
equal "signed by the other domain, by dkimpy" "$(verify "$PEERS/got2")" 2
check "it says In-Reply-To" grep -q '^In-Reply-To: <' "$PEERS/got2"

# a wrong address
check "mutt: Ann writes to nobody" mutt_sends -s 'Who are you' -- nobody@west.test <"$PEERS/text"
until_is "Ann gets a report" ann 2
get 127.0.15.1 u1@east.test 2 >"$PEERS/report"
python3 - "$PEERS/report" >"$PEERS/report.txt" 2>&1 <<'P'
import email, email.policy, sys
m = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)
assert m.get_content_type() == "multipart/report", m.get_content_type()
text, status, original = m.iter_parts()
rcpt = status.get_payload()[1]
print("subject:", m["Subject"])
print("words:", " ".join(text.get_content().split()))
print("status:", rcpt["Final-Recipient"], rcpt["Action"], rcpt["Status"])
print("original:", original.get_payload()[0]["Subject"])
P
said() { if grep -Eq -- "$2" "$PEERS/report.txt"; then pass "$1"; else fail "$1: $(cat "$PEERS/report.txt")"; fi; }
said "with a subject that says so" '^subject: .*Not delivered'
said "in words: who, and why" '^words: .*nobody@west\.test.*There is no such address there'
said "with the other side's words" '^words: .*550 5\.1\.1'
said "and for programs" '^status: rfc822; ?nobody@west\.test failed 5\.1\.1'
said "and the original" '^original: Who are you'
until_is "nothing is left in the queues" "eval east queue list; west queue list" "$QUEUES"

# the story
story() { # DESCRIPTION SIDE PATTERN ARGUMENTS of trace
  local what=$1 side=$2 pattern=$3
  shift 3
  $side trace "$@" >"$SUITE/out" 2>&1
  has "$what" "$pattern"
}
sleep 1.2 # the trace is written within a second
story "trace at Ann's: accepted" east 'accepted' --recipient u1@west.test
story "delivered, by whom, with TLS proved by DANE, and their words" east 'delivered u1@west\.test: 250 .*mail\.west\.test\[127\.0\.15\.2\].*TLSv1\.3.* dane' --recipient u1@west.test
story "trace at Bob's: accepted from Ann" west 'accepted: ESMTPS .*127\.0\.0\.1' --sender u1@east.test
story "and stored" west 'stored u1@west\.test' --sender u1@east.test
story "trace at Ann's of the wrong address: their refusal" east 'failed nobody@west\.test: 550 5\.1\.1' --recipient nobody@west.test
story "and the report" east 'reported' --recipient nobody@west.test
story "trace at Bob's of the wrong address" west 'refused nobody@west\.test' --recipient nobody@west.test
for side in east west; do
  east dns check "$side.test" >"$SUITE/out" 2>&1
  if grep -E '^(MISSING|WRONG)' "$SUITE/out" | grep -Ev ' (PTR|A|AAAA) ' >"$SUITE/bad"; then fail "dns check $side.test: $(cat "$SUITE/bad")"; else pass "dns check of $side.test misses nothing but what no test can have"; fi
  check "pillarbox check finds $side sound" $side check
  if grep -aE 'Sanitizer|runtime error|assert|died|err=(CORRUPT|INTERNAL)' "$PEERS/$side/log" >"$SUITE/bad"; then fail "the log of $side: $(head -3 "$SUITE/bad")"; fi
done
SUITE=
finish
