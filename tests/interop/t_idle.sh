#!/bin/bash
# alone
# IDLE: a delivery by smtpd is told by imapd within 100 ms; concurrent sessions see each other's changes.
. "$(dirname "$0")/lib.sh"
suite_start
python3 - "$HERE" "$HOST" "$OFFSET" "$U1" "$PW" >"$SUITE/out" 2>&1 <<'P'
import smtplib, sys, threading, time; sys.path.insert(0, sys.argv[1])
from imapwire import Imap
host, off, user, pw = sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5]
def idler():
    c = Imap(host, off + 143); c.login(user, pw); c.cmd("SELECT INBOX")
    c.sock.sendall(b"i IDLE\r\n")
    while not c.line().startswith(b"+"): pass
    return c
c, d = idler(), idler()
s = smtplib.SMTP(host, off + 25, "c.test"); s.ehlo(); worst = 0
seen = []
for i in range(20):
    s.mail("x@remote.test"); s.rcpt(user)
    s.docmd("DATA"); s.send(b"Subject: push\r\n\r\nx\r\n.\r\n")
    code, _ = s.getreply(); start = time.monotonic()
    for k in (c, d):
        want = b"* %d EXISTS" % (i + 1)
        while True:
            if k.line() == want: break
        worst = max(worst, time.monotonic() - start)
    time.sleep(0.02)
print(f"slowest push {worst * 1000:.1f} ms")
assert worst < 0.1, worst
e = Imap(host, off + 143); e.login(user, pw); e.cmd("SELECT INBOX")
e.cmd("STORE 3 +FLAGS (\\Flagged)")
start = time.monotonic()
while not (line := c.line()).startswith(b"* 3 FETCH (") or b"\\Flagged" not in line: pass
e.cmd("STORE 5 +FLAGS.SILENT (\\Deleted)"); e.cmd("EXPUNGE")
while c.line() != b"* 5 EXPUNGE": pass
print(f"flag and expunge seen after {(time.monotonic() - start) * 1000:.1f} ms")
assert time.monotonic() - start < 0.5
c.sock.sendall(b"DONE\r\n")
while not c.line().startswith(b"i OK"): pass
c.cmd("NOOP"); c.cmd("LOGOUT")
P
[ $? -eq 0 ] && pass "push: $(tr '\n' ' ' <"$SUITE/out")" || { fail "push"; cat "$SUITE/out"; }
finish
