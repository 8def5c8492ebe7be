#!/bin/bash
# What the daemons count, as `pillarbox status`, curl and Prometheus' promtool (where it is installed) see it: figures
# that are right, text in its format, labels that no client can choose, askers that hold up nobody.
. "$(dirname "$0")/lib.sh"
need curl python3
suite_start smtpd_port=9025 pop3d_port=9110 imapd_port=9143 login_failure_delay=10ms
E="python3 $HERE/exposition.py"
scrape() { curl -sS --max-time 10 --unix-socket "$SUITE/run/$1.status.sock" http://localhost/metrics; }
python3 - $HOST "$(port 143)" "$(port 25)" "$(port 110)" "$U1" "$PW" <<'P' || fail "the work to be counted"
import imaplib, poplib, smtplib, socket, sys
host, imap, smtp, pop, user, pw = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5], sys.argv[6]
s = smtplib.SMTP(host, smtp)
for i in range(3):
    s.sendmail("a@elsewhere.test", [user], f"Subject: {i}\r\n\r\nx\r\n")
try: s.sendmail("a@elsewhere.test", ["nobody@example.test"], "x")
except smtplib.SMTPRecipientsRefused: pass
s.docmd('EVIL{command="x"} \x7f', "label\\")
s.quit()
i = imaplib.IMAP4(host, imap)
i.login(user, pw); i.select()
for _ in range(5): i.fetch("1:*", "(FLAGS)")
i.append("INBOX", None, None, b"Subject: x\r\n\r\nhello\r\n")
i.logout()
for name in ("u1@example.test", "evil=1,x"):
    i = imaplib.IMAP4(host, imap)
    try: i.login(name, "falsch")
    except imaplib.IMAP4.error: pass
    i.shutdown()
f = socket.create_connection((host, imap)).makefile("rwb")
f.readline(); f.write(b'1 EVILCOMMAND {x="y"}\r\n'); f.flush(); assert f.readline().startswith(b"1 BAD")
p = poplib.POP3(host, pop)
p.user(user); p.pass_(pw); p.retr(1); p.retr(2); p.dele(1); p.quit()
P
for d in smtpd pop3d imapd; do
  scrape $d >"$SUITE/$d.txt"
  check "$d: the text is in its format" $E check "$SUITE/$d.txt"
  promtool=$(command -v promtool || echo "${PROMTOOL:-}")
  if [ -n "$promtool" ]; then check "$d: promtool finds nothing to complain of" "$promtool" check metrics <"$SUITE/$d.txt"; fi
  refuse "$d: no label that a client chose" bash -c "$E labels '$SUITE/$d.txt' | grep -iE 'evil|u1@|example|127'"
done
while read -r d wanted name label; do
  equal "$d: $name $label" "$($E value "$SUITE/$d.txt" "$name" $label 2>&1)" "$wanted"
done <<'ROWS'
smtpd 3 pillarbox_smtp_messages_total
smtpd 3 pillarbox_smtp_recipients_total result=accepted
smtpd 1 pillarbox_smtp_recipients_total result=refused
smtpd 4 pillarbox_smtp_commands_total command=MAIL
smtpd 1 pillarbox_smtp_commands_total command=other
smtpd 3 pillarbox_smtp_delivery_seconds_count
smtpd 1 pillarbox_errors_total code=NO_USER
smtpd 1 pillarbox_connections_total listener=smtp
smtpd 0 pillarbox_queue_messages
imapd 5 pillarbox_imap_commands_total command=FETCH
imapd 5 pillarbox_imap_command_seconds_count command=FETCH
imapd 1 pillarbox_imap_commands_total command=APPEND
imapd 1 pillarbox_imap_commands_total command=other
imapd 1 pillarbox_logins_total mechanism=LOGIN
imapd 2 pillarbox_login_failures_total mechanism=LOGIN
imapd 1 pillarbox_messages_stored_total
pop3d 2 pillarbox_pop3_messages_total
pop3d 1 pillarbox_pop3_deleted_total
pop3d 1 pillarbox_logins_total mechanism=USER
imapd 0 pillarbox_imap_idling
ROWS
for _ in $(seq 1 50); do scrape imapd >"$SUITE/now.txt"; open=$($E value "$SUITE/now.txt" pillarbox_open_connections); [ "$open" = 0 ] && break; sleep 0.1; done
equal "who has left is not open" "$open" 0

# over TCP, where the configuration names ports; and to nobody but who asks rightly
for p in 9025 9110 9143; do check "port $p answers" curl -sS --fail --max-time 10 -o "$SUITE/tcp.txt" "http://$HOST:$(port $p)/metrics"; check "in the format" $E check "$SUITE/tcp.txt"; done
equal "the type" "$(curl -sS -o /dev/null -w '%{content_type}' "http://$HOST:$(port 9143)/metrics")" "text/plain; version=0.0.4; charset=utf-8"
equal "another path" "$(curl -sS -o /dev/null -w '%{http_code}' "http://$HOST:$(port 9143)/")" 404
equal "another method" "$(curl -sS -X DELETE -o /dev/null -w '%{http_code}' "http://$HOST:$(port 9143)/metrics")" 405
equal "a head" "$(curl -sS -I -o /dev/null -w '%{http_code}' "http://$HOST:$(port 9143)/metrics")" 200
equal "the socket's rights" "$(stat -c %a "$SUITE/run/imapd.status.sock")" 660
# Those who connect and say nothing hold no thread, and are few; what asks besides them is mail's business, which goes on.
python3 - $HOST "$(port 9143)" "$(port 143)" "$SUITE/run/imapd.status.sock" <<'P' && pass "silent askers hold up nobody" || fail "silent askers hold up somebody"
import imaplib, socket, sys, time
host, port, imap, path = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
silent = []
for i in range(100):
    s = socket.create_connection((host, port), timeout=5)
    s.sendall(b"GET /metr")
    silent.append(s)
time.sleep(0.3)
gone = 0
for s in silent:
    s.settimeout(0.01)
    try: gone += s.recv(1) == b""
    except TimeoutError: pass
    except ConnectionError: gone += 1
began = time.monotonic()
i = imaplib.IMAP4(host, imap); i.noop(); i.shutdown()
took = time.monotonic() - began
print("closed at once:", gone, "of 100; a NOOP beside them took", took)
assert gone == 84 and took < 2
P

# pillarbox status
check "status" "$PILLARBOX" -c "$CONF" status
has "the version" 'imapd, process [0-9]+, version [0-9.]+, up [0-9]+ '
has "the last minute" 'open: 0 connections; last minute: [0-9]+ new, [0-9]+ commands?, '
has "times of commands" '^ +FETCH +[05] +5 +[0-9.]+ ms +[0-9.]+ ms'
has "failed logins" 'failed logins since the start: LOGIN 2'
has "errors" 'commands refused since the start: .*NO_USER 1'
"$PILLARBOX" -c "$CONF" status --json >"$SUITE/status.json"
check "status --json has the figures of each" python3 -c "
import json; d = json.load(open('$SUITE/status.json'))['daemons']
assert [x['figures']['daemon'] for x in d] == ['smtpd', 'pop3d', 'imapd'], d
assert d[2]['figures']['counters']['login_failures'][0]['total'] == 2, d[2]['figures']['counters']"
"$PILLARBOX" -c "$CONF" status --prometheus >"$SUITE/all.txt"
check "status --prometheus: one text of all three, in its format" $E check "$SUITE/all.txt"
equal "connections of all" "$($E value "$SUITE/all.txt" pillarbox_connections_total listener=imap)" "$(scrape imapd >"$SUITE/x" && $E value "$SUITE/x" pillarbox_connections_total listener=imap)"
check "each daemon's own" $E value "$SUITE/all.txt" pillarbox_start_time_seconds daemon=pop3d
suite_stop
"$PILLARBOX" -c "$CONF" status --prometheus >"$SUITE/none.txt" 2>/dev/null
equal "nothing runs" $? 3
finish
