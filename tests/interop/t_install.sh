#!/bin/bash
# Installed below a directory and started by root: the daemons become another user, and what root's `pillarbox` writes they can use.
. "$(dirname "$0")/lib.sh"
if [ "$(id -u)" != 0 ]; then
  echo "SKIPPED: this test starts as root and becomes another user"
  echo "0 passed, 0 failed"
  exit 0
fi
SUITE=$(mktemp -d /tmp/pillarbox-interop.XXXXXX); chmod 755 "$SUITE"
choose_offset
ROOT=$SUITE/root DIR=$SUITE/mail CONF=$SUITE/mail/pillarbox.conf CA=$SUITE/mail/tls/ca.pem
check "make install DESTDIR=" make -s -C "$PB_BUILD" install DESTDIR="$ROOT"
BIN=$(dirname "$(find "$ROOT" -type f -path '*/bin/pillarbox')")
SBIN=$(dirname "$(find "$ROOT" -type f -path '*/sbin/imapd')")
for page in pillarbox.1 smtpd.8 pop3d.8 imapd.8 pillarbox.conf.5; do
  f=$(find "$ROOT" -name $page)
  if [ -n "$f" ] && [ "$(man -l "$f" 2>/dev/null | wc -l)" -gt 20 ] || { [ -n "$f" ] && ! command -v man >/dev/null; }; then pass "manual page $page"; else fail "manual page $page"; fi
done
PILLARBOX="env PILLARBOX_LIBEXEC=$SBIN $BIN/pillarbox"
check "init as root for another user" $PILLARBOX init --dir "$DIR" --domain $DOMAIN --listen $HOST --port-offset $OFFSET --user nobody
for u in $U1 $U2; do check "account add $u" bash -c "echo $PW | $PILLARBOX -c $CONF account add $u --password-stdin"; done
$PILLARBOX -c "$CONF" run >"$SUITE/ready" 2>"$SUITE/log" &
SUITE_PID=$!
for _ in $(seq 1 100); do grep -q '^ready$' "$SUITE/ready" && break; sleep 0.1; done
for d in smtpd pop3d imapd; do equal "$d runs as nobody" "$(stat -c %U "/proc/$(daemon_pid $d)" 2>/dev/null)" nobody; done
message $U1 installed >"$SUITE/m.txt"
check "mail is taken" curl -sS "smtp://$HOST:$(port 25)" --mail-from x@remote.test --mail-rcpt $U1 -T "$SUITE/m.txt"
check "an account made by root meanwhile" bash -c "echo $PW | $PILLARBOX -c $CONF account add u3@$DOMAIN --password-stdin"
check "gets mail, too" curl -sS "smtp://$HOST:$(port 25)" --mail-from x@remote.test --mail-rcpt u3@$DOMAIN -T "$SUITE/m.txt"
check "and can read it" curl -sS --cacert "$CA" "imaps://localhost:$(port 993)/INBOX;MAILINDEX=1" -u "u3@$DOMAIN:$PW"
has "the message" 'Subject: installed'
check "status says they are up" $PILLARBOX -c "$CONF" status
check "check finds everything sound" $PILLARBOX -c "$CONF" check
equal "nothing in data belongs to root" "$(find "$DIR/data" -user root | wc -l)" 0
kill -HUP $SUITE_PID; sleep 1
check "after a reload TLS still works" curl -sS --cacert "$CA" "imaps://localhost:$(port 993)/" -u "$U1:$PW"
grep -a 'reload_failed' "$SUITE/log" >/dev/null && fail "a daemon could not reload" || pass "every daemon could reload"
check "stop" $PILLARBOX -c "$CONF" stop
wait $SUITE_PID; SUITE_PID=
refuse "status says they are down" $PILLARBOX -c "$CONF" status
finish
