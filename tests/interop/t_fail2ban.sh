#!/bin/bash
# Failed logins, by whatever mechanism, as Debian's fail2ban-regex reads them with the filter we ship: from the log file and
# as the journal hands them on; each try once, with the address it came from, whatever the user name pretends.
# $FAIL2BAN_ROOT: where Debian's package fail2ban is unpacked, if it is not installed.
. "$(dirname "$0")/lib.sh"
need python3 openssl
ROOT=${FAIL2BAN_ROOT:-}
REGEX=$ROOT/usr/bin/fail2ban-regex
[ -x "$REGEX" ] || { echo "skip: no fail2ban-regex (package fail2ban)"; echo "0 passed, 0 failed"; exit 0; }
suite_start login_failure_delay=10ms max_connections_per_address=100000
suite_stop
PROVIDER=$((OFFSET + 1))
/usr/bin/python3 "$HERE/oauth_provider.py" $PROVIDER "$SUITE" 2>>"$SUITE/log" &
PROVIDER_PID=$!
trap 'suite_stop; kill $PROVIDER_PID 2>/dev/null' EXIT
for i in $(seq 1 100); do [ -s "$SUITE/tokens.json" ] && break; sleep 0.1; done
oauth() { sed -i -E "/^oauth \{/,/^\}/s|^([[:space:]]*)#?$1[[:space:]]*=.*|\\1$1 = $2|" "$CONF"; }
oauth issuer '"https://provider.test"'; oauth ca_file "\"$CA\""; oauth jwks_url "\"https://localhost:$PROVIDER/keys\""; oauth audience '"pillarbox"'
mkdir "$SUITE/clients"
(cd "$SUITE/clients" && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=ours -keyout ours.key -out ours.pem &&
  printf 'subjectAltName=email:nobody@%s\n' $DOMAIN >nobody.ext &&
  printf 'subjectAltName=@names\n[names]\nemail="x\\" peer=192.0.2.66 user=\\"x@%s"\n' $DOMAIN >liar.ext &&
  for who in nobody liar; do
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$who peer=192.0.2.66" -keyout $who.key -out $who.csr &&
    openssl x509 -req -in $who.csr -CA ours.pem -CAkey ours.key -CAcreateserial -days 30 -extfile $who.ext -out $who.pem || exit 1
  done) 2>>"$SUITE/log" || fail "certificates"
sed -i -E "s|^[[:space:]]*key = .*|&\n\tclient_authorities = \"$SUITE/clients/ours.pem\"|" "$CONF"
cp -r "$ROOT/etc/fail2ban" "$SUITE/fail2ban" && cp "$SRC"/packaging/fail2ban/filter.d/* "$SUITE/fail2ban/filter.d/" && cp "$SRC"/packaging/fail2ban/jail.d/* "$SUITE/fail2ban/jail.d/"
regex() { PYTHONPATH=$ROOT/usr/lib/python3/dist-packages /usr/bin/python3 "$REGEX" -c "$SUITE/fail2ban" "$@" 2>&1; }
found() { regex -o ip "$1" "$SUITE/fail2ban/filter.d/pillarbox.conf$2" | grep -E '^[0-9a-f.:]+$' | sort; }
fails() { # fails WHERE LOG: what was tried is what was found, once each
  cut -d' ' -f1 "$SUITE/tried" | sort >"$SUITE/wanted"
  found "$2" "" >"$SUITE/got"
  if cmp -s "$SUITE/wanted" "$SUITE/got"; then pass "$1: $(wc -l <"$SUITE/got") failed logins, each found once, with its address"; else
    fail "$1: what was found is not what was tried"; diff "$SUITE/wanted" "$SUITE/got" | head -20 | while read -r d a; do echo "     | $d $a $(grep "^$a " "$SUITE/tried")"; done
  fi
  grep -q 192.0.2.66 "$SUITE/got" && fail "$1: a forged address is banned"
}

# a log file, and stderr that is none of the journal's, are one form
: >"$SUITE/mail.log"; cp "$CONF" "$CONF.stderr"
sed -i -E "/^log \{/,/^\}/s|^([[:space:]]*)#?target[[:space:]]*=.*|\\1target = \"file:$SUITE/mail.log\"|" "$CONF"
suite_run
check "failing logins by every mechanism, and forged names" python3 "$HERE/failing_logins.py" $OFFSET "$SUITE"
for i in $(seq 1 50); do [ "$(grep -c login_failed "$SUITE/mail.log")" -ge "$(wc -l <"$SUITE/tried")" ] && break; sleep 0.1; done
suite_stop
fails "log file" "$SUITE/mail.log"
equal "one line of the log for each try" "$(grep -ac ' warn [a-z0-9]* login_failed ' "$SUITE/mail.log")" "$(wc -l <"$SUITE/tried")"
for m in PLAIN LOGIN USER SCRAM-SHA-256 OAUTHBEARER XOAUTH2 EXTERNAL; do check "$m is among them" grep -aq "login_failed .* mechanism=$m tls=" "$SUITE/mail.log"; done
refuse "nor is anybody accused where the rude are looked for" grep -qx 192.0.2.66 <(found "$SUITE/mail.log" "[mode=aggressive]")
check "a certificate may claim a name like that" grep -aq 'login_failed .* user="x.* peer=192.0.2.66 .* mechanism=EXTERNAL' "$SUITE/mail.log"
refuse "nothing of the tokens or passwords" grep -aqE 'falsch|Bearer' "$SUITE/mail.log"

# as the journal hands it on: systemd tells a daemon that its standard error is the journal's, which takes the <priority> off
# and tells host, identifier and process; fail2ban puts these before the line
cp "$CONF.stderr" "$CONF"
: >"$SUITE/stderr"
for d in smtpd pop3d imapd; do (exec 2>>"$SUITE/stderr"; JOURNAL_STREAM=$(stat -L -c %d:%i "$SUITE/stderr") exec "$PB_BUILD/$d/$d" -c "$CONF") & PIDS="${PIDS:-} $!"; done
trap 'kill $PIDS $PROVIDER_PID 2>/dev/null' EXIT
for i in $(seq 1 100); do [ "$(grep -c ' ready ' "$SUITE/stderr")" = 3 ] && break; sleep 0.1; done
check "the same under systemd" python3 "$HERE/failing_logins.py" $OFFSET "$SUITE"
kill $PIDS; wait $PIDS 2>/dev/null
check "each line has its priority" bash -c "! grep -avE '^<[3-7]>(debug|info|warn|error) ' '$SUITE/stderr'"
sed -E 's/^<[0-9]>([a-z]+ ([a-z0-9]+) )/2026-11-23T03:17:08.846112 mail \2[123]: \1/' "$SUITE/stderr" >"$SUITE/journal"
fails "journal" "$SUITE/journal"
sed -E 's/^<[0-9]>([a-z]+ ([a-z0-9]+) )/Nov 23 03:17:08 mail \2[123]: \1/' "$SUITE/stderr" >"$SUITE/syslog"
fails "syslog" "$SUITE/syslog"

# mode=aggressive: early talk, too many errors, too many connections
{ sed 1q "$SUITE/mail.log"
  echo '2026-11-23T03:17:08.846Z info smtpd session_end sid=1f peer=192.0.2.1 how="early talk" user="" commands=0 messages=0 octets=0 ms=3 withheld=0'
  echo '2026-11-23T03:17:08.846Z info smtpd session_end sid=1f peer=192.0.2.2 how=errors user="" commands=9'
  echo '2026-11-23T03:17:08.846Z info smtpd session_end sid=1f peer=192.0.2.3 how=quit user="" commands=9'
  echo '2026-11-23T03:17:08.846Z warn imapd connection_refused listener=imaps peer=2001:db8::4 err=LIMIT limit=max_connections_per_address open=9 withheld=0'
  echo '2026-11-23T03:17:08.846Z warn imapd connection_refused listener=imaps peer=192.0.2.5 err=NOMEM limit=max_memory open=9 withheld=3'; } >"$SUITE/rude.log"
equal "the rude, where one asks for them" "$(found "$SUITE/rude.log" "[mode=aggressive]" | tr '\n' ' ')" "192.0.2.1 192.0.2.2 2001:db8::4 "
equal "and not otherwise" "$(found "$SUITE/rude.log" "" | tr '\n' ' ')" ""
# the jail, as the server would read it
if [ -x "$ROOT/usr/bin/fail2ban-client" ]; then
  sed -i 's/^enabled .*/enabled = true/; s/^backend .*/backend = auto\nlogpath = \/dev\/null/' "$SUITE/fail2ban/jail.d/pillarbox.conf"; rm -f "$SUITE/fail2ban/jail.d/defaults-debian.conf"
  check "the jail is one that fail2ban takes" env PYTHONPATH="$ROOT/usr/lib/python3/dist-packages" /usr/bin/python3 "$ROOT/usr/bin/fail2ban-client" -c "$SUITE/fail2ban" -s "$SUITE/f2b.sock" -p "$SUITE/f2b.pid" -d
  has "with its ports" "'pillarbox'.*25,465,587,110,995,143,993|25,465,587,110,995,143,993"
fi
kill $PROVIDER_PID
finish
