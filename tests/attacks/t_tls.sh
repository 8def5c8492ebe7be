#!/bin/bash
# TLS on every port: nothing under 1.2, no anonymous, unencrypted, export or forgetful ciphers, no renegotiation, no fallback, no compression; LONG=1: testssl.sh's judgement.
. "$(dirname "$0")/attack.sh"
need openssl
suite_start max_connections_per_address=500
OUT=$SUITE/tls.out
# s_client PORT OPTION...: a handshake; what it said is in $OUT
s_client() {
  local p=$1 how=(); shift
  case $p in 25 | 587) how=(-starttls smtp) ;; 110) how=(-starttls pop3) ;; 143) how=(-starttls imap) ;; esac
  timeout 20 openssl s_client -connect "$HOST:$(port "$p")" ${how[@]+"${how[@]}"} -CAfile "$CA" -servername localhost "$@" >"$OUT" 2>&1
}
shaken() { grep -q '^New, .*Cipher is [A-Z]' "$OUT" && ! grep -q 'Cipher is (NONE)' "$OUT"; }
WEAK=aNULL:eNULL:LOW:EXP:RC4:3DES:DES:MD5:SEED:IDEA:PSK:SRP:ADH:AECDH:NULL
for p in 25 587 465 110 995 143 993; do
  bad=
  s_client $p -tls1_2 </dev/null && shaken || bad="$bad no-1.2"
  grep -q '^Secure Renegotiation IS supported' "$OUT" || bad="$bad renegotiation-unsafe"
  grep -q '^Compression: NONE' "$OUT" || bad="$bad compression"
  grep -Eq 'Cipher is (ECDHE|DHE)-.*(GCM|CHACHA20|CCM)' "$OUT" || bad="$bad weak-choice:$(grep -o 'Cipher is .*' "$OUT" | head -1)"
  s_client $p -tls1_3 </dev/null && shaken || bad="$bad no-1.3"
  s_client $p -tls1 -cipher 'ALL:@SECLEVEL=0' </dev/null && shaken && bad="$bad TLS1.0"
  s_client $p -tls1_1 -cipher 'ALL:@SECLEVEL=0' </dev/null && shaken && bad="$bad TLS1.1"
  s_client $p -tls1_2 -cipher "$WEAK:@SECLEVEL=0" </dev/null && shaken && bad="$bad weak-ciphers:$(grep -o 'Cipher is .*' "$OUT" | head -1)"
  s_client $p -tls1_2 -cipher "kRSA:@SECLEVEL=0" </dev/null && shaken && bad="$bad no-forward-secrecy"
  s_client $p -tls1_2 -cipher "ALL:!AESGCM:!AESCCM:!CHACHA20:!ARIAGCM:!aNULL:@SECLEVEL=0" </dev/null && shaken && bad="$bad no-AEAD:$(grep -o 'Cipher is .*' "$OUT" | head -1)" # CVE-2013-0169
  s_client $p -tls1_2 -fallback_scsv </dev/null && shaken && bad="$bad fallback-taken" # RFC 7507
  equal "port $p: TLS 1.2 and 1.3 with good ciphers, and nothing else" "${bad:-none}" none
  # renegotiation asked for by the client (CVE-2011-1473)
  { sleep 0.6; echo R; sleep 0.6; } | s_client $p -tls1_2
  if grep -q RENEGOTIATING "$OUT" && grep -Eq 'no.renegotiation|alert|closed|handshake failure' "$OUT" && [ "$(grep -c '^verify return' "$OUT")" -lt 4 ]; then pass "port $p: no renegotiation"; else fail "port $p: renegotiation"; tail -5 "$OUT"; fi
done
case ${LONG:-} in '' | 0) ;; *)
  command -v testssl >/dev/null || { fail "testssl is not installed: the long form needs Debian's package testssl.sh"; finish; }
  for p in 25 587 465 110 995 143 993; do
    how=()
    case $p in 25 | 587) how=(-t smtp) ;; 110) how=(-t pop3) ;; 143) how=(-t imap) ;; esac
    rm -f "$SUITE/testssl.json"
    timeout 900 testssl --quiet --color 0 --warnings batch --jsonfile "$SUITE/testssl.json" -p -s -f -P -U -S --add-ca "$CA" ${how[@]+"${how[@]}"} "$HOST:$(port $p)" >"$SUITE/testssl.out" 2>&1
    # what a certificate of one's own authority lacks says nothing of the server; that a session can be taken up again testssl.sh can't see
    # where its client is gone before TLS 1.3's ticket comes ("check failed")
    found=$(python3 - "$SUITE/testssl.json" <<'P'
import json, sys
OWN = ("engine_problem", "cert_", "OCSP", "DNS_CAA", "certificate_transparency", "scanTime", "cert", "intermediate")
UNSEEN = lambda r: r["id"].startswith("sessionresumption") and r["finding"].startswith("check failed")
rows = json.load(open(sys.argv[1]))
bad = [f"{r['id']}={r['finding']}"[:100] for r in rows if r["severity"] in ("WARN", "LOW", "MEDIUM", "HIGH", "CRITICAL", "FATAL") and not r["id"].startswith(OWN) and not UNSEEN(r)]
print("; ".join(bad) if len(rows) > 20 else "testssl said little")
P
)
    equal "port $p: testssl.sh finds nothing to warn of" "${found:-nothing}" nothing
  done ;;
esac
finish
