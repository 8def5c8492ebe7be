#!/usr/bin/env python3
"""Fills the data directory, tries everything, makes room, tries again: host offset user password data-directory log."""
import os
import poplib
import smtplib
import sys

from imapwire import Imap, Wrong

HOST, OFFSET, USER, PW, DATA, LOG = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5], sys.argv[6]
passed = failed = 0
acked = []


def check(what, good, seen=""):
    global passed, failed
    if good:
        passed += 1
        print("ok  ", what)
    else:
        failed += 1
        print("FAIL", what, repr(seen)[:300])


def deliver(size):
    """The reply's code; a 250 is noted."""
    s = smtplib.SMTP(HOST, OFFSET + 25, "c.test", timeout=30)
    s.ehlo()
    subject = f"n{len(acked)}.{size}"
    try:
        code, text = s.mail("x@remote.test")
        if code == 250:
            code, text = s.rcpt(USER)
        if code == 250:
            code, text = s.data(f"Subject: {subject}\r\n\r\n" + ("y" * 76 + "\r\n") * (size // 78))
        if code == 250:
            acked.append(subject)
    finally:
        try:
            s.quit()
        except smtplib.SMTPException:
            pass
    return code, text


def fill(leave):
    """A file that leaves so many octets free."""
    v = os.statvfs(DATA)
    with open(DATA + "/filler", "wb") as f:
        n = v.f_bavail * v.f_frsize - leave
        try:
            f.write(b"\0" * max(0, n))
        except OSError:
            pass


def room():
    os.unlink(DATA + "/filler")


def temporary(code):
    return 400 <= code < 500


for size in (3000, 30000, 200000):
    check(f"with room, {size} octets are taken", deliver(size)[0] == 250)
for leave in (0, 8192, 65536):
    fill(leave)
    for size in (3000, 200000, 1000000):
        code, text = deliver(size)
        check(f"{leave} octets free, message of {size}: 250 or 4yz ({code})", code == 250 or temporary(code), (code, text))
    room()
fill(0)
code, text = deliver(100000)
check(f"full: the message is put off ({code} {text.decode()})", temporary(code), (code, text))
c = Imap(HOST, OFFSET + 143)
c.login(USER, PW)
c.cmd("SELECT INBOX")
try:
    c.cmd("APPEND INBOX", b"Subject: a\r\n\r\n" + b"z" * 100000)
    check("full: APPEND is refused", False)
except Wrong as e:
    check("full: APPEND gets NO", b" NO " in e.args[0].encode() or " NO " in e.args[0], e)
rows = c.fetch("FETCH 1:* (FLAGS BODY.PEEK[HEADER])")
check("full: reading goes on", len(rows) == len(acked), (len(rows), len(acked)))
c.sock.sendall(b"x FETCH 1 (BODY[TEXT])\r\n")
r = c.response()
check("full: a body comes though \\Seen can't be set", b"FETCH" in r[0] and any(isinstance(x, tuple) and len(x[1]) > 2000 for x in r), r)
while not (line := c.response()[0]).startswith(b"x "):
    pass
check("full: and the command ends", line.startswith((b"x OK", b"x NO")), line)
c.cmd("LOGOUT")
p = poplib.POP3(HOST, OFFSET + 110, timeout=30)
p.user(USER)
p.pass_(PW)
check("full: POP3 reads on", len(p.retr(1)[1]) > 3)
try:
    p.dele(1)
    text = p.quit()
    check("full: POP3 UPDATE said what it did", text.startswith(b"+OK"))
    acked.pop(0)
except poplib.error_proto as e:
    check("full: POP3 UPDATE says -ERR and removes nothing", True, e)
room()
code, text = deliver(100000)
check("with room again it heals without a restart", code == 250, (code, text))
c = Imap(HOST, OFFSET + 143)
c.login(USER, PW)
c.cmd("APPEND INBOX", b"Subject: healed\r\n\r\n" + b"z" * 1000)
acked.append("healed")
c.cmd("SELECT INBOX")
rows = c.fetch("FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[])")
there = sorted(r["BODY[]"].split(b"Subject: ")[1].split(b"\r\n")[0].decode() for r in rows.values())
check("everything acknowledged is there, once", there == sorted(acked), (there, acked))
log = open(LOG, errors="replace").read()
check("the log names the path", any("NO_SPACE" in line and DATA in line for line in log.splitlines()), [x for x in log.splitlines() if "NO_SPACE" in x][:3])
print(f"{passed} passed, {failed} failed")
