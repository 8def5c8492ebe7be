#!/usr/bin/env python3
"""Commands before TLS, browsers' verbs, relaying tricks, header and recipient injection, names as SQL, paths and formats, log injection; all by live sessions."""
import os
import re
import ssl
import subprocess
import sys

from attack import OFFSET, PW, SUITE, U1, U2, Talk, check, empty, end, greeting, imap, log, messages, smtp, submission, wait_for

DOMAIN = U1.split("@")[1]


def ended(t):
    out, state = t.rest(1.5)
    return state == "closed"


def before_tls():
    """CVE-2011-0411 and NO STARTTLS: what was said before the handshake never counts after it, and what came with the command is never run."""
    rows = [
        (25, b"EHLO c\r\n", b"STARTTLS\r\nMAIL FROM:<evil@b.test>\r\nRCPT TO:<" + U1.encode() + b">\r\n", b"RCPT TO:<" + U1.encode() + b">\r\n", rb"^503"),
        (25, b"EHLO c\r\nMAIL FROM:<evil@b.test>\r\n", b"STARTTLS\r\n", b"RCPT TO:<" + U1.encode() + b">\r\n", rb"^503"),
        (25, b"EHLO c\r\n", b"STARTTLS\r\n", b"MAIL FROM:<evil@b.test>\r\n", rb"^503 .*EHLO first"),
        (587, b"EHLO c\r\n", b"STARTTLS\r\nEHLO evil\r\nNOOP\r\n", b"MAIL FROM:<" + U1.encode() + b">\r\n", rb"^(503|530)"),
        (110, b"CAPA\r\n", b"STLS\r\nUSER " + U1.encode() + b"\r\n", b"PASS " + PW.encode() + b"\r\n", rb"^-ERR"),
        (110, b"USER " + U1.encode() + b"\r\n", b"STLS\r\n", b"PASS " + PW.encode() + b"\r\n", rb"^-ERR"),
        (143, b"a NOOP\r\n", b"b STARTTLS\r\nc LOGIN " + U1.encode() + b" " + PW.encode() + b"\r\n", b"d SELECT INBOX\r\n", rb"^d (BAD|NO)"),
        (143, b"a NOOP\r\n", b"b STARTTLS\r\nc LOGIN {3+}\r\nabc {100}\r\n", b"d SELECT INBOX\r\n", rb"^d (BAD|NO)"),
    ]
    go = {25: r"^220 ", 587: r"^220 ", 110: r"^\+OK", 143: r"^b OK"}
    for port, first, command, then, wanted in rows:
        t = greeting(port)
        t.send(first)
        t.rest(0.3)
        t.send(command)
        said = t.until(r"^(\d{3} |\+OK|-ERR|b )")
        if said.startswith((b"5", b"-ERR", b"b BAD")):
            check(f"port {port}: {command!r} behind {first!r} is refused as a whole", True)
            t.close()
            continue
        extra = t.buf
        try:
            t.buf = b""
            t.start_tls()
        except (ssl.SSLError, OSError) as e:
            check(f"port {port}: {command!r} ends the session", not extra, (said, extra, str(e)))
            continue
        t.send(then)
        answer = t.until(r"^(\d{3} |\+OK|-ERR|\w (OK|NO|BAD))")
        out, _ = t.rest(0.3)
        check(f"port {port}: {command!r} behind {first!r}: nothing of it is left behind the handshake", not extra and re.match(wanted, answer) and not out, (extra, answer, out))
        t.close()
    # what is injected in clear into the middle of the handshake breaks it
    for port, command, ok in ((25, b"EHLO c\r\nSTARTTLS\r\n", r"^220 2"), (110, b"STLS\r\n", r"^\+OK"), (143, b"a STARTTLS\r\n", r"^a OK")):
        t = greeting(port)
        t.send(command)
        t.until(ok)
        t.send(b"NOOP\r\n" * 3)
        out, _ = t.rest(1.5)
        check(f"port {port}: clear text in place of a handshake is not answered in clear", not re.search(rb"250|\+OK|OK|-ERR", out), out)
        t.close()


def alpaca():
    """A browser led here by somebody: its verbs end the session, whatever its body holds (ALPACA; RFC 7301 keeps it away before)."""
    bodies = {25: f"EHLO x\r\nMAIL FROM:<evil@b.test>\r\nRCPT TO:<{U1}>\r\nDATA\r\nSubject: by browser\r\n\r\nx\r\n.\r\nQUIT\r\n",
              110: f"USER {U1}\r\nPASS {PW}\r\nRETR 1\r\nQUIT\r\n", 143: f"a LOGIN {U1} {PW}\r\nb SELECT INBOX\r\nc LOGOUT\r\n"}
    bodies[587] = bodies[465] = bodies[25]
    bodies[995], bodies[993] = bodies[110], bodies[143]
    for port in (25, 587, 465, 110, 995, 143, 993):
        for verb in ("GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "DELETE", "PATCH", "TRACE"):
            t = Talk(port, tls=port in (465, 993, 995))
            t.until(r"^(\d{3} |\+OK|\* )")
            t.send(f"{verb} / HTTP/1.1\r\nHost: localhost:{OFFSET + port}\r\nContent-Type: text/plain\r\n\r\n{bodies[port]}")
            out, state = t.rest(3)
            good = state == "closed" and out.count(b"\r\n") <= 1 and not re.search(rb"(?m)^(250|354|235|\+OK|. OK)", out)
            if not good or verb == "TRACE":
                check(f"port {port}: each of nine HTTP verbs ends the session, nothing behind it is run", good, (verb, out, state))
            t.close()
            if not good:
                break
    check("no message came by a browser", not messages())
    for port, wrong, right in ((465, ["http/1.1", "h2"], None), (465, ["imap"], None), (993, ["h2", "http/1.1"], "imap"), (993, ["pop3"], "imap"), (995, ["http/1.1"], "pop3"), (995, ["imap"], "pop3")):
        c = ssl._create_unverified_context()
        c.set_alpn_protocols(wrong)
        try:
            s = c.wrap_socket(Talk(port).s)
            said = s.version()
            s.close()
        except ssl.SSLError as e:
            said = str(e)
        check(f"port {port}: ALPN of {wrong} is refused with its alert", "no application protocol" in said.lower(), said)
        if right:
            c = ssl._create_unverified_context()
            c.set_alpn_protocols([right])
            s = c.wrap_socket(Talk(port).s)
            check(f"port {port}: ALPN of {right} is taken", s.selected_alpn_protocol() == right, s.selected_alpn_protocol())
            s.close()


def relaying():
    """Ways to have a server send on what it should not; tested by strangers on 25 and by LMTP's rules nowhere."""
    d = DOMAIN
    tricks = ["x@other.test", f"@{d}:x@other.test", f"@{d},@{d}:x@other.test", f"x%other.test@{d}", f"x%other.test%{d}@{d}", f"other.test!x@{d}", f"{d}!other.test!x", f"other.test!x%{d}@{d}", f'"x@other.test"@{d}',
              '"x@other.test"', f'"x%other.test"@{d}', f"x@other.test@{d}", f"x@{d}@other.test", "x@[127.0.0.1]", "x@[IPv6:::1]", "x@127.0.0.1", "x@[0x7f000001]", "x@localhost", "x@",
              f"x@{d}.other.test", f"x@other.test.{d}", f"x@other.test\\@{d}", f"x@other.test,{U1}", f"x@other.test> <{U1}", f"|/bin/sh@{d}", f"/etc/passwd@{d}", f":include:/etc/passwd@{d}", f'"|id"@{d}',
              f"@other.test:x@other.test", f"x@other.test\0@{d}", f"x(@other.test)@other.test", f"SRS0=aaaa=bb=other.test=x@{d}", f"SRS1=aaaa=other.test==bb=cc=other.test=x@{d}", f"SRS0+aaaa=bb=other.test=x@{d}",
              f"bounces+x=other.test@{d}", f"x#other.test@{d}", f"x@other。test", f"u1+x@other.test@{d}"]
    for sender in ("<a@b.test>", "<>", f"<{U1}>", f"<postmaster@{d}>", f"<a@[127.0.0.1]>"):
        t = smtp()
        r = t.smtp("MAIL FROM:" + sender)
        taken = []
        for n, trick in enumerate(tricks):
            if n % 5 == 4:  # too many unknown recipients are slowed down and ended, which is not what is tested here
                t.smtp("QUIT")
                t = smtp()
                t.smtp("MAIL FROM:" + sender)
            a = t.smtp(f"RCPT TO:<{trick}>".encode())
            if a[:1] != b"5":
                taken.append((trick, a))
        check(f"of {len(tricks)} relaying tricks by {sender} on port 25 none is taken", not taken, taken[:3])
        t.smtp("QUIT")
    check("nothing is in the queue", not re.search(r"other\.test", queue()), queue())


def backscatter():
    """Nothing is taken that would have to be sent back to a sender who may be forged."""
    t = smtp()
    for sender in ("<victim@forged.test>", "<>"):
        t.smtp("MAIL FROM:" + sender)
        r = t.smtp(f"RCPT TO:<nobody@{DOMAIN}>")
        check(f"an unknown recipient of {sender} is refused at RCPT", r.startswith(b"550 5.1.1"), r)
        t.smtp("RSET")
        r = t.smtp(f"MAIL FROM:{sender} SIZE=999999999")
        check(f"a message of {sender} that is too large is refused at MAIL", r.startswith(b"552 5.3.4"), r)
        t.smtp("RSET")
        t.smtp("MAIL FROM:" + sender)
        t.smtp(f"RCPT TO:<{U1}>")
        t.smtp("DATA")
        t.send(b"Received: from a by b; Mon, 23 Nov 2026 00:00:00 +0000\r\n" * 120 + b"Subject: loops\r\n\r\nx\r\n.\r\n")
        r = t.smtp()
        check(f"a message of {sender} that goes round is refused at its end", r.startswith(b"554 5.4.6"), r)
    t.smtp("QUIT")
    sleepers = queue()
    check("and no report is in the queue", "forged.test" not in sleepers and "<>" not in sleepers, sleepers)


def queue():
    return subprocess.run([os.environ["A_PILLARBOX"], "-c", os.environ["A_CONF"], "queue", "list"], capture_output=True, text=True).stdout


def addresses():
    """CR, LF and NUL in what becomes a header field or an SMTP command of ours."""
    for c in ("\r", "\n", "\0"):
        t = submission()
        rows = [f"MAIL FROM:<u1{c}Bcc: x@{DOMAIN}>", f"MAIL FROM:<{U1}>{c}X: y", f"MAIL FROM:<{U1}> ENVID=a{c}b", f"MAIL FROM:<{U1}> AUTH=a{c}b"]
        for row in rows:
            t.send(row.encode() + b"\r\n")
            r, _ = t.rest(0.4)
            check(f"{row!r} is refused", re.match(rb"5\d\d", r) and not re.search(rb"(?m)^250", r), r)
            if _ == "closed":
                t = submission()
        t.close()
    t = submission()
    t.smtp(f"MAIL FROM:<{U1}> RET=HDRS ENVID=a+0D+0AX-Evil:+20y")
    for row, name in ((f"RCPT TO:<{U2}> NOTIFY=SUCCESS ORCPT=rfc822;u2+0D+0AX-Evil:+20y@{DOMAIN}", "CR LF in ORCPT's xtext"), (f"RCPT TO:<{U2}> NOTIFY=SUCCESS ORCPT=x+0Ay;z", "LF in ORCPT's type"),
                      (f"RCPT TO:<{U2}> NOTIFY=SUCCESS ORCPT=rfc822;+00", "NUL in ORCPT"), (f"RCPT TO:<{U2}> NOTIFY=SUCCESS ORCPT=rfc822;a+b", "a broken escape in ORCPT")):
        r = t.smtp(row)
        check(f"{name} is refused, or goes nowhere", r[:1] in b"25", r)
    t.smtp("RSET")
    # the same where it is taken: the report that comes of it is as it should be
    t.smtp(f"MAIL FROM:<{U1}> RET=HDRS ENVID=a+2Bb")
    r = t.smtp(f"RCPT TO:<{U2}> NOTIFY=SUCCESS ORCPT=rfc822;u2+0D+0AX-Evil:+20y@{DOMAIN}")
    if r.startswith(b"250"):
        t.smtp("DATA")
        t.send(b"From: <%s>\r\nTo: <%s>\r\nSubject: a\r\n\r\nx\r\n.\r\n" % (U1.encode(), U2.encode()))
        t.smtp()
        wait_for(lambda: messages(U1))
    every = list(messages(U1).values()) + list(messages(U2).values())
    check("no field was made of an escape", not any(re.search(rb"(?mi)^X-Evil", m) for m in every), every[-1:])
    # HELO, subjects, display names and Received: what is said is one line
    for helo in ("a\x1b[31m", "a;id", "$(id)", "a b", "(c", "[1.2.3.4", "x" * 300, "\xe9".encode("latin-1").decode("latin-1"), "%s%n", "';--"):
        t = greeting(25)
        r = t.smtp(b"EHLO " + helo.encode())
        if r.startswith(b"250"):
            t.smtp("MAIL FROM:<a@b.test>")
            t.smtp(f"RCPT TO:<{U2}>")
            t.smtp("DATA")
            t.send("Subject: helo\r\n\r\nx\r\n.\r\n")
            t.smtp()
        t.close()
    for m in messages(U2).values():
        head = m.split(b"\r\n\r\n")[0]
        bad_lines = [x for x in head.split(b"\r\n") if not re.match(rb"([!-9;-~]+:|[ \t])", x) or re.search(rb"[\0-\x08\x0b-\x1f\x7f]", x)]
        if bad_lines:
            check("each line of each header is a field or goes on with one", False, bad_lines)
            break
    else:
        check("each line of each header is a field or goes on with one", True)


ODD = ["'; DROP TABLE message; --", "' OR '1'='1", "a' UNION SELECT 1,2,3 --", "%s%s%s%n%x", "%00", "../../../../etc/passwd", "/etc/passwd", "a/../../b", "..", ".", "~root", "#news.x", "$(id)", "`id`", "|id", ";id", "a\\b",
       "NULL", "-rf", "*?[a]", "%", "_", "x" * 200, "\"quoted\"", "a'b\"c", "INBOX'--", "CON", "a:b", "sqlite_master", "{5}", "a&AAA-b", "\x1b[31m", "ﬁ", "é"]


def quoted(s):
    return b'"' + s.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def names():
    """Names, searched texts and logins are data: the same name comes back, nothing else is touched."""
    import glob
    def files():
        return {f for f in glob.glob(SUITE + "/**", recursive=True) if not re.search(r"-(wal|shm|journal)$", f)}
    c = imap(U1)
    c.cmd("CREATE sentinel")
    c.cmd('APPEND INBOX', b"Subject: only\r\n\r\ntext\r\n")
    before = files()
    t = Talk(143)
    t.until(r"^\* ")
    t.imap(f"LOGIN {U1} {PW}")
    t.imap("ENABLE UTF8=ACCEPT")
    made, wrong = 0, []
    for n in ODD:
        q = quoted(n)
        r = t.imap(b"CREATE " + q)
        if b"t OK" in r:
            made += 1
            listed = t.imap(b'LIST "" ' + q)
            select = t.imap(b"EXAMINE " + q)
            status = t.imap(b"STATUS " + q + b" (MESSAGES)")
            gone = [t.imap(b"RENAME " + q + b" " + quoted(n + "x")), t.imap(b"SUBSCRIBE " + quoted(n + "x")), t.imap(b"DELETE " + quoted(n + "x"))]
            if b"t OK" not in select or b"MESSAGES 0" not in status or any(b"t OK" not in g for g in gone) or not (listed.count(b"* LIST") >= 1):
                wrong.append((n, listed, select, status, gone))
        elif not re.search(rb"t (NO|BAD)", r):
            wrong.append((n, r))
    check(f"of {len(ODD)} names that are SQL, paths and formats {made} are made, found, renamed and removed, the others refused", made >= 20 and not wrong, wrong[:2])
    wrong = []
    t.imap("SELECT INBOX")
    asked = []
    for n in ODD:
        for key in (b"SUBJECT ", b"BODY ", b"TEXT ", b"HEADER X-A ", b"FROM ", b"OR TEXT qqq TEXT ", b"FUZZY TEXT ", b"HEADER " + quoted(n) + b" "):
            if (key, n) != (b"HEADER " + quoted(n) + b" ", n) or not re.search(r"[:\x1b]", n):
                asked.append((key, n))
    t.send(b"".join(b"s%d SEARCH " % i + key + quoted(n) + b"\r\n" for i, (key, n) in enumerate(asked)))
    for i, (key, n) in enumerate(asked):
        r = t.until(rf"^s{i} ")
        if not re.search(rb"s\d+ (OK|NO|BAD)", r) or re.search(rb"\* SEARCH \d", r) and n not in ".x" and not key.startswith(b"FUZZY"):
            wrong.append((key, n, r))
    check("searched for, none of them finds the message that does not hold it", not wrong, wrong[:3])
    for q, n in (("%", "percent"), ("_", "underline"), ("*", "star")):
        r = t.imap(f'SEARCH SUBJECT "o{q}y"')
        check(f"{n} is no wildcard in a search", b"* SEARCH\r\n" in r, r)
    t.imap("LOGOUT")
    check("no file was made or removed by a name", not {f for f in files() ^ before if "/sunk" not in f and not f.endswith("/out")} - {SUITE + "/log"}, sorted(files() ^ before)[:5])
    got = c.cmd('LIST "" *')[0]
    check("the mailboxes that were there are there", all(any(n in r[0] for r in got) for n in (b"sentinel", b"INBOX", b"Archive", b"Trash")), got)
    check("so is the message", len(messages()) >= 1)
    # user names
    for i, n in enumerate(ODD + [U1 + "'--", U1 + "\0x", "*", "u1*", "u%", "admin' --", U1 + " ", U1.upper() + "%"]):
        t = greeting(110, source=f"127.0.2.{i + 1}")  # who fails often waits
        t.send(b"USER " + n.encode() + b"\r\nPASS " + PW.encode() + b"\r\n")
        r = t.pop() + t.pop()
        t.close()
        if r.count(b"+OK") > 1:
            check("a name that is SQL logs nobody in", False, (n, r))
            break
    else:
        check("no name that is SQL, a pattern or cut by NUL logs anybody in", True)
    # APPEND: octets that are not a message's, flags and dates that are not
    bad = [b'APPEND INBOX (\\Seen\r\n) {2+}\r\nab', b'APPEND INBOX "01-Jan-2026 00:00:00 +0000\0" {2+}\r\nab', b"APPEND INBOX (a]b{c) {2+}\r\nab", b"APPEND \"IN\rBOX\" {2+}\r\nab"]
    for b in bad:
        s = Talk(143)
        s.until(r"^\* ")
        s.imap(f"LOGIN {U1} {PW}")
        s.send(b"t " + b + b"\r\n")
        out, _ = s.rest(0.6)
        check(f"{b!r} is refused", re.search(rb"(?m)^(t|\*) (BAD|NO|BYE)", out) and b"t OK" not in out, out)
        s.close()
    # a field in an appended message is its text and nobody's command
    c.cmd("APPEND INBOX", b"From: a\rb\r\nSubject: x\nBcc: y\r\n\r\nz\r\n")
    c.cmd("SELECT INBOX")
    env = c.fetch("FETCH * (ENVELOPE)")
    check("CR and LF in an appended field do not leave in an envelope", env and not re.search(rb"[\r\n\0]", b"".join(x for v in env.values() for x in v["ENVELOPE"] if isinstance(x, bytes))), env)


def others():
    """A session of one account, and what it might try to read another's mail by: names, paths, ids, URLs, copies, searches of many mailboxes, rights that fall short of reading."""
    secret = b"Kestrel-ubiquitous-"
    large = b"x" * 70 + b"\r\n"
    c = imap(U1)
    for box in ("Private", "Shown", "Named"):
        c.cmd("CREATE " + box)
    for box in ("INBOX", "Private", "Shown", "Named"):
        c.cmd("APPEND " + box, b"Subject: " + secret + box.encode() + b"\r\n\r\n" + secret + b"\r\n")
    c.cmd("APPEND Private", b"Subject: " + secret + b"large\r\n\r\n" + large * 4000)  # a file of its own
    c.cmd(f"SETACL Shown {U2} lr")
    c.cmd(f"SETACL Named {U2} l")
    c.cmd("SELECT Private")
    ids = c.fetch("FETCH 1:* (EMAILID THREADID)")
    emailids = re.findall(rb"M[0-9A-Za-z_-]+", repr(ids).encode())
    empty(U2)
    t = Talk(143)
    t.until(r"^\* ")
    t.imap(f"LOGIN {U2} {PW}")
    ns = "Other Users/"
    check("what was shared is read", secret in t.imap(f'SELECT "{ns}{U1}/Shown"') + t.imap("FETCH 1 BODY[]"))
    t.imap("APPEND INBOX {3+}\r\nown")
    t.imap("SELECT INBOX")
    owners = [U1, U1.split("@")[0], U1.upper(), "1", "2"]
    names = [f"{ns}{o}/{b}" for o in owners for b in ("INBOX", "Private", "inbox", "", "Shown/../Private", "./Private", "Shown/../../" + U1 + "/Private", "Named")]
    names += [f"{p}{o}/{b}" for p in ("~", "#user/", "#shared/", "user/", "user.", "/", "../", "../accounts/", "Other Users/../", "Shared/") for o in owners for b in ("INBOX", "Private")]
    names += [f"{U1}/INBOX", f"INBOX@{U1}", f"INBOX\0{U1}", f"{ns}{U1}/Private\0", f"{ns}%/Private", f"{ns}*/Private", f"{ns}{U2}/../{U1}/Private", f"{ns}{U1}//Private", f"{ns}/{U1}/Private", f"{ns}{U1}\\Private", "mail.db", "../1/mail.db"]
    leaks, taken = [], []
    for n in names:
        q = quoted(n)
        for command in (b"SELECT ", b"EXAMINE ", b"STATUS %s (MESSAGES UIDNEXT SIZE)", b"GETACL ", b"LISTRIGHTS %s " + U2.encode(), b"SETACL %s " + U2.encode() + b" lrswipkxtea", b"DELETE ", b"RENAME %s mine",
                        b"GETMETADATA %s /private/comment", b"GETQUOTAROOT ", b"APPEND %s {3+}\r\nx\r\n", b"COPY 1 ", b"ESEARCH IN (mailboxes %s) ALL", b"UNSUBSCRIBE "):
            r = t.imap(command % q if b"%s" in command else command + q)
            if secret in r:
                leaks.append((n, command, r))
            # nobody of that name, or one's own: the name of a mailbox of one's own may be odd
            if b"t OK" in r and not command.startswith((b"UNSUBSCRIBE", b"ESEARCH", b"GETQUOTAROOT")) and not (n.endswith("/Named") and command.startswith((b"LISTRIGHTS", b"GETACL"))):
                taken.append((n, command, r))
            if b"t OK" in r and command in (b"SELECT ", b"EXAMINE "):
                if secret in t.imap("FETCH 1:* (ENVELOPE BODY.PEEK[])"):
                    leaks.append((n, command))
                t.imap("SELECT INBOX")
    check(f"of {len(names)} names of another's mailboxes none is opened, changed, copied to or told about", not taken and not leaks, (taken[:2], leaks[:2]))
    # what may be known of, and not read
    for command in (f'SELECT "{ns}{U1}/Named"', f'STATUS "{ns}{U1}/Named" (MESSAGES)', f'ESEARCH IN (mailboxes "{ns}{U1}/Named") SUBJECT Kestrel', f'LIST (SUBSCRIBED RECURSIVEMATCH) "" "*" RETURN (STATUS (MESSAGES))'):
        r = t.imap(command)
        check(f"the right to look up reads nothing: {command[:40]}", secret not in r and not re.search(rb"STATUS [^\r]*Named\"? \(MESSAGES", r) and not re.search(rb"(?m)^t OK .*READ", r) and not re.search(rb" ALL \d", r), r)
    r = t.imap(f'LIST "" "*" RETURN (STATUS (MESSAGES UIDNEXT))') + t.imap('LIST "" "Other Users/*"')
    check("LIST names what is shared, and nothing else", b"Shown" in r and b"Private" not in r and secret not in r, r)
    r = t.imap("ESEARCH IN (personal subscribed) SUBJECT Kestrel") + t.imap(f'ESEARCH IN (subtree "Other Users") SUBJECT Kestrel') + t.imap(f'ESEARCH IN (subtree-one "{ns}{U1}") SUBJECT Kestrel')
    check("a search of many mailboxes finds what is shared only", b"Private" not in r and b"Named" not in r and not re.search(rb'MAILBOX "?INBOX"? ', r), r)
    # by id
    t.imap("SELECT INBOX")
    r = b"".join(t.imap("UID SEARCH EMAILID " + i.decode()) + t.imap("UID SEARCH THREADID " + i.decode()) for i in emailids[:4])
    check("ids of another's messages find nothing", emailids and not re.search(rb"SEARCH \d", r), r)
    # by URL
    urls = [f"/Other%20Users/{U1}/Private/;UID=1", f"/Other%20Users/{U1}/Named/;UID=1", f"/Other%20Users/{U1}/INBOX/;UID=1", f"imap://{U1}@localhost/INBOX/;UID=1", f"imap://{U1};AUTH=*@localhost/Private/;UID=1",
            "/../1/Private/;UID=1", f"/~{U1}/INBOX/;UID=1", f"/Other%20Users/{U1}/Private%00/;UID=1", f"/Other%20Users/{U1}/Shown%2F..%2FPrivate/;UID=1"]
    taken = [(u, r) for u in urls for r in [t.imap(f'APPEND INBOX CATENATE (URL "{u}")')] if b"t OK" in r]
    check("no URL of another's message is put into one's own", not taken, taken[:2])
    # a right that is taken away while the mailbox is open
    t.imap(f'SELECT "{ns}{U1}/Shown"')
    c.cmd(f"DELETEACL Shown {U2}")
    r = t.imap("NOOP") + t.imap("FETCH 1 BODY.PEEK[]") + t.imap("UID COPY 1 INBOX") + t.imap("SEARCH TEXT Kestrel")
    check("once a right is gone, what is open is read no more", secret not in r and b"COPYUID" not in r and not re.search(rb"SEARCH \d", r), r)
    check("the session was there to the end", b"t OK" in t.imap("NOOP"))
    t.close()
    t = greeting(110)
    t.pop(f"USER {U2}")
    t.pop(f"PASS {PW}")
    t.send("RETR 2\r\nTOP 2 10\r\nRETR 4294967297\r\nRETR -1\r\nUIDL 1\r\nLIST\r\nUIDL\r\n")
    r, _ = t.rest(0.7)
    check("nor does POP3 hand out another's", secret not in r, r)
    t.close()
    check("and the owner has it all", all(secret in repr(m).encode() for m in messages(U1, "Private").values()) and len(messages(U1, "Private")) == 2)


def logged():
    """Whatever is said, a line of the log is one event, of printable ASCII, and the keys are ours."""
    evil = ["x\r\n2026-01-01T00:00:00.000Z info smtpd login user=root", "x\x1b[2J\x1b[31mred", "x user=root ok=1", 'x" user="root', "x\\", "x\u2028y", "x\x9b31m", "a" * 5000, "x\ty", "\xff\xfe".encode("utf-8").decode(), "x\x7f\b\b"]
    at = len(log())
    for e in evil:
        raw = e.encode()
        t = greeting(143)
        t.send(b"a LOGIN {%d+}\r\n" % len(raw) + raw + b" {1+}\r\nx\r\n")
        t.rest(0.15)
        t.close()
        t = greeting(110)
        t.send(b"USER " + raw.replace(b"\r\n", b"\n") + b"\r\nPASS x\r\n")
        t.rest(0.1)
        t.close()
        import base64
        t = smtp(587, helo="c.test")
        t.send(b"AUTH PLAIN " + base64.b64encode(b"\0" + raw + b"\0x") + b"\r\n")
        t.rest(0.1)
        t.close()
        t = greeting(25)
        t.send(b"EHLO " + raw.replace(b"\r\n", b"\r") + b"\r\nMAIL FROM:<" + raw.replace(b"\r\n", b"\r") + b"@b.test>\r\nRCPT TO:<" + raw[:300].replace(b"\r\n", b"\n") + b"@b.test>\r\n")
        t.rest(0.1)
        t.close()
        t = smtp()
        t.smtp("MAIL FROM:<a@b.test>")
        t.smtp(f"RCPT TO:<{U1}>")
        t.smtp("DATA")
        t.send(b"Message-ID: <" + raw + b"@x>\r\nSubject: " + raw + b"\r\nFrom: " + raw + b"\r\n\r\nx\r\n.\r\n")
        t.smtp()
        t.close()
    new = wait_for(lambda: (lambda n: n if n.count(b"login_failed") + n.count(b"auth_fail") >= 1 and n.count(b"session_end") + n.count(b" end ") >= 10 else b"")(log()[at:]), 8) or log()[at:]
    lines = new.split(b"\n")[:-1]
    bad = [x for x in lines if not re.match(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warn|error) \w+ \w+( |$)", x) or x.startswith(b"2026-01-01")]
    check(f"each of {len(lines)} lines of the log is one event", len(lines) > 20 and not bad, bad[:3])
    odd = [x for x in lines if not x.decode("utf-8", "replace").isprintable() or b"\xef\xbf\xbd" in x.decode("utf-8", "replace").encode()]
    check("and holds printable characters only", not odd, odd[:2])
    forged = [x for x in lines if re.search(rb" user=root( |$)", re.sub(rb'"([^"\\]|\\.)*"', b"", x))]
    check("no key was forged", not forged, forged[:2])
    long = [x for x in lines if len(x) > 4096]
    check("none is longer than 4,096 octets, what the kernel writes to a pipe in one piece", not long, [len(x) for x in long[:3]])


for what in sys.argv[1:] or ("before_tls", "alpaca", "relaying", "backscatter", "addresses", "names", "others", "logged"):
    {"before_tls": before_tls, "alpaca": alpaca, "relaying": relaying, "backscatter": backscatter, "addresses": addresses, "names": names, "others": others, "logged": logged}[what]()
    empty()
    empty(U2)
end()
