#!/bin/bash
# TLS to other servers: DANE, MTA-STS, REQUIRETLS, TLS-Required: No and what is merely wished for; right, wrong and missing. For each domain what becomes of
# the mail, what the trace says of TLS, and what is counted for reports on TLS (RFC 8460).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/nameserver.sh"
. "$(dirname "$0")/peers.sh"
need openssl python3
peers_dir
T=$PEERS/tls
mkdir "$T" "$PEERS/mail"
cd "$T" || finish
quiet() { "$@" >>"$T/openssl.log" 2>&1 || { tail -5 "$T/openssl.log"; fail "$*"; finish; }; }
quiet openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/CN=test authority' -keyout ca.key -out ca.pem
# certificate NAME SANS [OPTION...]: by the authority, with its key, in NAME.pem
certificate() {
  quiet openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
  quiet openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile <(echo "subjectAltName=$2") -out "$1.crt"
  cat "$1.crt" "$1.key" >"$1.pem"
}
certificate right 'DNS:*.open.test,DNS:*.secure.test'
certificate other 'DNS:mx.elsewhere.test'
quiet openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj '/CN=nobody' -keyout self.key -out self.crt
cat self.crt self.key >self.pem
STS="s-right s-wrong s-self s-mx s-plain s-testing s-gone s-nomx s-update r-nomx n-sts n-nomx"
certificate web "$(for d in $STS; do printf 'DNS:mta-sts.%s.open.test,' "$d"; done)DNS:mta-sts.open.test"
cd "$OLDPWD" || finish

OPEN=$PEERS/open SECURE=$PEERS/secure
: >"$OPEN"; : >"$SECURE"
MAIL=
next=10
# server NAME ZONE-FILE JSON: a domain with one MX of its own
server() {
  printf '%s MX 10 mx-%s\nmx-%s A 127.0.16.%s\n' "$1" "$1" "$1" $next >>"$2"
  MAIL="$MAIL${MAIL:+, }\"127.0.16.$next\": $3"
  next=$((next + 1))
}
cert() { echo "{\"cert\": \"$T/$1.pem\"${2:+, $2}}"; }
suite_start allow_private=yes retry_first=1s delay_notice=0 "ca_file=\"$T/ca.pem\""
suite_stop
PEER_PORT=$((OFFSET + 26)) POLICY_PORT=$((OFFSET + 27))
tlsa() { printf '_%s._tcp.mx-%s TLSA %s\n' "$PEER_PORT" "$1" "$2" >>"$3"; }
RIGHT=$(tlsa_record "$T/right.crt") SELF=$(tlsa_record "$T/self.crt") WRONG="3 1 1 $(printf %064d 7)"
server d-right "$SECURE" "$(cert right)"; tlsa d-right "$RIGHT" "$SECURE"
server d-self "$SECURE" "$(cert self)"; tlsa d-self "$SELF" "$SECURE"
server d-wrong "$SECURE" "$(cert right)"; tlsa d-wrong "$WRONG" "$SECURE"
server d-two "$SECURE" "$(cert right)"; tlsa d-two "$WRONG" "$SECURE"; tlsa d-two "$RIGHT" "$SECURE"
server d-missing "$SECURE" "$(cert self)"
server d-plain "$SECURE" "$(cert right '"starttls": false')"; tlsa d-plain "$RIGHT" "$SECURE"
server d-inject "$SECURE" "$(cert right '"broken": true, "inject": true')"; tlsa d-inject "$RIGHT" "$SECURE"
server d-broken "$SECURE" "$(cert right '"broken": true')"; tlsa d-broken "$RIGHT" "$SECURE"
printf 'd-second MX 10 mx-d-wrong\nd-second MX 20 mx-d-right\n' >>"$SECURE"
server d-unsigned "$OPEN" "$(cert right)"; tlsa d-unsigned "$WRONG" "$OPEN"
server o-self "$OPEN" "$(cert self)"
server o-plain "$OPEN" "$(cert self '"starttls": false')"
server o-broken "$OPEN" "$(cert self '"broken": true')"
server s-right "$OPEN" "$(cert right)"
server s-wrong "$OPEN" "$(cert other)"
server s-self "$OPEN" "$(cert self)"
server s-plain "$OPEN" "$(cert right '"starttls": false')"
server s-testing "$OPEN" "$(cert other)"
server s-gone "$OPEN" "$(cert self)"
server s-badweb "$OPEN" "$(cert self)"
server s-nomx "$OPEN" "$(cert right)"
server r-right "$SECURE" "$(cert right '"requiretls": true')"; tlsa r-right "$RIGHT" "$SECURE"
server r-without "$SECURE" "$(cert right)"; tlsa r-without "$RIGHT" "$SECURE"
server r-unsigned "$OPEN" "$(cert right '"requiretls": true')"
server r-plain "$SECURE" "$(cert right '"starttls": false')"
server r-wrong "$SECURE" "$(cert right '"requiretls": true')"; tlsa r-wrong "$WRONG" "$SECURE"
server r-nomx "$OPEN" "$(cert right '"requiretls": true')"
server n-wrong "$SECURE" "$(cert right)"; tlsa n-wrong "$WRONG" "$SECURE"
server n-plain "$SECURE" "$(cert right '"starttls": false')"; tlsa n-plain "$RIGHT" "$SECURE"
server n-broken "$SECURE" "$(cert right '"broken": true')"; tlsa n-broken "$RIGHT" "$SECURE"
server n-sts "$OPEN" "$(cert self)"
server n-nomx "$OPEN" "$(cert right)"
policy() { printf '"mta-sts.%s.open.test": "version: STSv1\\r\\nmode: %s\\r\\nmx: %s.open.test\\r\\nmax_age: 86400\\r\\n"' "$1" "$2" "$3"; }
for d in s-right s-wrong s-self s-plain s-testing s-gone s-badweb s-nomx r-nomx n-sts n-nomx; do
  a=127.0.16.1; [ $d != s-badweb ] || a=127.0.16.2
  printf '_mta-sts.%s TXT "v=STSv1; id=1"\nmta-sts.%s A %s\n' $d $d $a >>"$OPEN"
done
cat >"$PEERS/about.json" <<J
{"port": $PEER_PORT, "policy_port": $POLICY_PORT, "folder": "$PEERS/mail", "mail": {$MAIL},
 "web": {"127.0.16.1": {"cert": "$T/web.pem", "policies": {$(policy s-right enforce mx-s-right), $(policy s-wrong enforce mx-s-wrong), $(policy s-self enforce '*'),
  $(policy s-plain enforce mx-s-plain), $(policy s-testing testing mx-s-testing), $(policy s-nomx enforce other), $(policy r-nomx enforce other), $(policy n-sts enforce mx-n-sts), $(policy n-nomx enforce other)}},
  "127.0.16.2": {"cert": "$T/self.pem", "policies": {$(policy s-badweb enforce mx-s-badweb)}}}}
J
nameserver_zone open.test <"$OPEN"
nameserver_zone --signed secure.test <"$SECURE"
start_nameserver
for o in "resolvers={ \"$NAMESERVER\" }" "trust_anchor_file=\"$ANCHORS\"" "port=$PEER_PORT" "policy_port=$POLICY_PORT"; do
  sed -i -E "s|^([[:space:]]*)#?${o%%=*}[[:space:]]*=.*|\\1${o%%=*} = ${o#*=}|" "$CONF"
done
python3 "$HERE/tls_servers.py" "$PEERS/about.json" >"$PEERS/ready" 2>"$PEERS/servers" &
PEER_PIDS+=($!)
for _ in $(seq 100); do grep -q ready "$PEERS/ready" && break; sleep 0.05; done
grep -q ready "$PEERS/ready" || { cat "$PEERS/servers"; fail "the servers did not start"; finish; }
suite_run

cat >"$PEERS/cases" <<'C'
# domain            fate       by     trace's words of TLS (extended expression)   what is counted: policy, failure ("-": none, "": success)
d-right.secure      delivered  tls    TLSv1.3.* dane          2 ok
d-self.secure       delivered  tls    TLSv1.3.* dane          2 ok
d-two.secure        delivered  tls    TLSv1.3.* dane          2 ok
d-wrong.secure      deferred   -      .*                      2 validation-failure
d-missing.secure    delivered  tls    TLSv1.3.* unverified    0 ok
d-plain.secure      deferred   -      .*                      2 starttls-not-supported
d-broken.secure     deferred   -      .*                      2 validation-failure
d-inject.secure     deferred   -      .*                      2 validation-failure
d-second.secure     delivered  tls    TLSv1.3.* dane          2 ok
d-unsigned.open     delivered  tls    TLSv1.3.* unverified    0 ok
o-self.open         delivered  tls    TLSv1.3.* unverified    0 ok
o-plain.open        delivered  clear  not.offered|none        - -
o-broken.open       delivered  clear  .*                      - -
s-right.open        delivered  tls    TLSv1.3.* verified      1 ok
s-wrong.open        deferred   -      .*                      1 certificate-host-mismatch
s-self.open         deferred   -      .*                      1 certificate-not-trusted
s-plain.open        deferred   -      .*                      1 starttls-not-supported
s-testing.open      delivered  tls    TLSv1.3.* unverified    1 certificate-host-mismatch
s-gone.open         delivered  tls    TLSv1.3.* unverified    1 sts-policy-fetch-error
s-badweb.open       delivered  tls    TLSv1.3.* unverified    1 sts-webpki-invalid
s-nomx.open         deferred   -      .*                      1 validation-failure
r-right.secure      delivered  tls    TLSv1.3.* dane          2 ok
r-without.secure    failed     -      .*                      2 ok
r-unsigned.open     failed     -      .*                      0 ok
r-plain.secure      failed     -      .*                      - -
r-wrong.secure      failed     -      .*                      2 validation-failure
r-nomx.open         failed     -      .*                      1 validation-failure
n-wrong.secure      delivered  tls    TLSv1.3.*TLS-Required   - -
n-plain.secure      delivered  clear  not.offered.*TLS-Required  - -
n-broken.secure     delivered  clear  TLS-Required            - -
n-sts.open          delivered  tls    TLSv1.3.*TLS-Required   - -
n-nomx.open         delivered  tls    TLSv1.3.*TLS-Required   - -
C
python3 - "$HOST" "$(port 587)" $U1 "$PW" "$PEERS/cases" <<'P' || fail "submission"
import smtplib, ssl, sys
host, port, user, pw, cases = sys.argv[1:]
s = smtplib.SMTP(host, int(port), "c.test", timeout=30)
s.starttls(context=ssl._create_unverified_context()); s.login(user, pw)
for line in open(cases):
    if line.startswith("#"):
        continue
    domain = line.split()[0]
    anyhow = "TLS-Required: No\r\n" if domain.startswith("n-") else ""
    s.sendmail(user, [f"b@{domain}.test"], f"{anyhow}From: <{user}>\r\nTo: <b@{domain}.test>\r\nSubject: {domain}\r\n\r\nHello.\r\n", ["REQUIRETLS"] if domain.startswith("r-") else [])
s.quit()
P
python3 - "$PILLARBOX" "$CONF" "$PEERS/cases" "$PEERS" "$(dirname "$(find "$SUITE" -name queue.db | head -1)")" >"$SUITE/results" 2>&1 <<'P'
import glob, json, re, sqlite3, subprocess, sys, time
program, conf, cases, peers, data = sys.argv[1:]
rows = [line.split(None, 3) for line in open(cases) if not line.startswith("#")]
rows = [[d + ".test", f, b] + rest.rstrip().rsplit(None, 2) for d, f, b, rest in rows]
def look():
    out = subprocess.run([program, "-c", conf, "trace", "--json", "--last", "1000"], capture_output=True, text=True).stdout
    return [e for m in json.loads(out or "[]") for e in m["events"]]
end = time.time() + 20
while time.time() < end:
    events = look()
    fates = {e["recipient"] for e in events if e["event"] in ("delivered", "deferred", "failed")}
    if all(f"b@{r[0]}" in fates for r in rows):
        break
    time.sleep(0.3)
# a connection that went well is counted when it ends, which is when nothing came for it for five seconds
def rows_of():
    db = sqlite3.connect(f"file:{data}/queue.db?mode=ro", uri=True)
    return list(db.execute("SELECT domain, policy, failure, sum(sessions) FROM tls_session GROUP BY 1, 2, 3"))
end = time.time() + 12
while time.time() < end and not all(any(x[0] == r[0] for x in rows_of()) for r in rows if r[4] != "-"):
    time.sleep(0.3)
time.sleep(0.5)
events = look()
address = {}
for f in (f"{peers}/open", f"{peers}/secure"):
    for line in open(f):
        w = line.split()
        if len(w) == 3 and w[1] == "A" and w[0].startswith("mx-"):
            address[w[0]] = w[2]
mails = [open(f).read().split(None, 2) for f in sorted(glob.glob(peers + "/mail/*"))]
counted = {}
for domain, policy, failure, n in rows_of():
    counted.setdefault(domain, {})[(str(policy), failure or "ok")] = n
p = f = 0
for domain, fate, by, words, policy, failure in rows:
    problems = []
    mine = [e for e in events if e["recipient"] == f"b@{domain}" and e["event"] in ("delivered", "deferred", "failed")]
    kinds = {e["event"] for e in mine}
    if kinds != {fate}:
        problems.append(f"{[(e['event'], e['text'], e['host'], e['tls']) for e in mine]}")
    if mine and not re.search(words, mine[0]["tls"]):
        problems.append(f"TLS: {mine[0]['tls']!r}, {mine[0]['text']!r}")
    got = [m for m in mails if m[2].strip() and m[0] == address.get("mx-" + domain.split(".")[0])]
    if "d-second" in domain:
        got = [m for m in mails if m[0] == address["mx-d-right"]][:1]
    if [m[1] for m in got] != ([] if by == "-" else [by]) and "d-right" not in domain:
        problems.append(f"arrived: {got}")
    if domain.startswith("r-") and got and "REQUIRETLS" not in got[0][2]:
        problems.append(f"without REQUIRETLS: {got}")
    told = counted.get(domain, {})
    if policy != "-" and (policy, failure) not in told:
        problems.append(f"counted: {told}, wanted {(policy, failure)}")
    if policy == "-" and told:
        problems.append(f"counted: {told}")
    text = mine[0]["text"] if mine and fate != "delivered" else mine[0]["tls"] if mine else ""
    print(f"{'FAIL' if problems else 'ok  '} {domain}: {fate} ({text})", "; ".join(problems))
    p, f = p + (not problems), f + bool(problems)
print(f"{p} passed, {f} failed")
P
sed '$d' "$SUITE/results"
read -r p _ f _ <<<"$(tail -1 "$SUITE/results")"
case $p$f in *[!0-9]* | '') cat "$SUITE/results"; fail "no result" ;; *) PASSED=$((PASSED + p)) FAILED=$((FAILED + f)) ;; esac
finish
