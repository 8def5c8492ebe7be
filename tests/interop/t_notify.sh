#!/bin/bash
# alone
# NOTIFY (RFC 5465): smtpd, another process, delivers; imapd tells a session that has no command in progress, within 100 ms.
. "$(dirname "$0")/lib.sh"
suite_start
python3 - "$HERE" "$HOST" "$OFFSET" "$U1" "$PW" >"$SUITE/out" 2>&1 <<'P'
import smtplib, sys, time; sys.path.insert(0, sys.argv[1])
from imapwire import Imap
host, off, user, pw = sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5]
def session():
    c = Imap(host, off + 143); c.login(user, pw); return c
far, near = session(), session()
far.cmd("NOTIFY SET STATUS (personal (MessageNew MessageExpunge FlagChange MailboxName))")
near.cmd("SELECT INBOX")
near.cmd("NOTIFY SET (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge FlagChange))")
def wait(c, want):
    got = []
    while True:
        got.append(c.line())
        if got[-1].startswith(want): return got
s = smtplib.SMTP(host, off + 25, "c.test"); s.ehlo(); worst = 0
for i in range(20):
    s.mail("x@remote.test"); s.rcpt(user)
    s.docmd("DATA"); s.send(b"Subject: push %d\r\n\r\nx\r\n.\r\n" % i)
    code, _ = s.getreply(); start = time.monotonic()
    wait(far, b"* STATUS INBOX (MESSAGES %d UIDNEXT %d" % (i + 1, i + 2))
    wait(near, b"* %d EXISTS" % (i + 1))
    wait(near, b"* %d FETCH (UID %d BODY[HEADER.FIELDS (SUBJECT)]" % (i + 1, i + 1))
    worst = max(worst, time.monotonic() - start)
    time.sleep(0.02)
print(f"slowest push {worst * 1000:.1f} ms")
assert worst < 0.1, worst
other = session(); other.cmd("CREATE New"); wait(far, b"* LIST (\\HasNoChildren) \"/\" New")
other.cmd("SELECT INBOX"); other.cmd("STORE 3 +FLAGS (\\Deleted \\Seen)"); wait(far, b"* STATUS INBOX (UNSEEN 19)")
wait(near, b"* 3 FETCH (UID 3 FLAGS"); other.cmd("EXPUNGE"); wait(near, b"* 3 EXPUNGE")
wait(far, b"* STATUS INBOX (MESSAGES 19 UIDNEXT 21")
far.cmd("NOTIFY NONE"); far.cmd("LOGOUT"); near.cmd("LOGOUT")
P
[ $? -eq 0 ] && pass "notify: $(tr '\n' ' ' <"$SUITE/out")" || { fail "notify"; cat "$SUITE/out"; }
finish
