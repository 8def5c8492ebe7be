#!/usr/bin/env python3
"""Messages made to be dear, each of one, two and four times a size: processor time of smtpd (delivery) and imapd (ENVELOPE, BODYSTRUCTURE, SEARCH, SORT…) must
grow like the size, not like its square, which would be sixteen times as much. Elapsed time would say nothing on a machine that does other things."""
import os
import sys
import time

from attack import LONG, PW, U1, Talk, check, daemon_cpu, end, greeting, memory, smtp

SMTPD, IMAPD = int(os.environ["A_SMTPD"]), int(os.environ["A_IMAPD"])
LIMIT = 9  # of four times as much; a square would be 16
FLOOR = 0.0006  # seconds that a measurement may be wrong by
MEMORY = 192 << 20


def head(*fields):
    return "From: <a@b.test>\r\n" + "".join(f + "\r\n" for f in fields)


def nested(n):
    out = [head("MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b0") + "\r\n"]
    for i in range(1, n):
        out.append(f"--b{i - 1}\r\nContent-Type: multipart/mixed; boundary=b{i}\r\n\r\n")
    return "".join(out) + f"--b{n - 1}\r\n\r\nx\r\n" + "".join(f"--b{i}--\r\n" for i in range(n - 1, -1, -1))


def messages_in_messages(n):
    return head("Content-Type: message/rfc822") + "\r\n" + "Content-Type: message/rfc822\r\nSubject: x\r\n\r\n" * n + "x\r\n"


def parts(n):
    return head("Content-Type: multipart/mixed; boundary=b") + "\r\n" + "--b\r\nContent-Type: text/plain; name=a\r\n\r\nx\r\n" * n + "--b--\r\n"


def near_boundaries(n):
    return head("Content-Type: multipart/mixed; boundary=" + "-" * 60) + "\r\n" + ("-" * 61 + "\r\n") * n


SHAPES = {
    "2,000 parts within each other": (nested, 2000),
    "8,000 parts within each other": (nested, 8000),
    "8,000 messages within each other": (messages_in_messages, 8000),
    "40,000 parts": (parts, 40000),
    "50,000 addresses in one field": (lambda n: head("To: " + ",\r\n ".join(f"u{i}@example.test" for i in range(n))) + "\r\nx\r\n", 50000),
    "50,000 groups in one field": (lambda n: head("Cc: " + ",\r\n ".join(f"g{i}: ;" for i in range(n))) + "\r\nx\r\n", 50000),
    "comments within comments": (lambda n: head("To: " + "(" * n + ")" * n + " x@y.test") + "\r\nx\r\n", 200000),
    "quotes without end": (lambda n: head('To: "' + '\\"' * n) + "\r\nx\r\n", 100000),
    "a header line of 200 KB": (lambda n: head("Subject: " + "x" * n) + "\r\nx\r\n", 200000),
    "a line of encoded words": (lambda n: head("Subject: " + "=?utf-8?q?x?= " * n) + "\r\nx\r\n", 20000),
    "encoded words that do not end": (lambda n: head("Subject: " + "=?" * n) + "\r\nx\r\n", 100000),
    "100,000 folds": (lambda n: head("Subject: x" + "\r\n y" * n) + "\r\nx\r\n", 100000),
    "references": (lambda n: head("References: " + "\r\n ".join(f"<{i}@x>" for i in range(n))) + "\r\nx\r\n", 40000),
    "Re: Re: Re:": (lambda n: head("Subject: " + "Re: " * n + "[x] " * n) + "\r\nx\r\n", 30000),
    "parameters in pieces (RFC 2231)": (lambda n: head("Content-Type: text/plain; " + ";\r\n ".join(f"name*{i}*=a%20" for i in range(n))) + "\r\nx\r\n", 20000),
    "100,000 fields": (lambda n: head(*["X: y"] * n) + "\r\nx\r\n", 100000),
    "lines that are nearly a boundary": (near_boundaries, 160000),
}
if LONG:
    SHAPES["two million fields"] = (lambda n: head(*["X: y"] * n) + "\r\nx\r\n", 2000000)
    SHAPES["a million parts"] = (parts, 1000000)
    SHAPES["three million empty parts"] = (lambda n: head("Content-Type: multipart/mixed; boundary=b") + "\r\n" + "--b\r\n\r\n" * n + "--b--\r\n", 3000000)


def settled(pid):
    """Processor time once the daemon rests."""
    last = daemon_cpu(pid)
    while True:
        time.sleep(0.01)
        now = daemon_cpu(pid)
        if now - last < 0.0005:
            return now
        last = now


def run():
    t, c = smtp(), greeting(143)
    c.imap(f"LOGIN {U1} {PW}")
    uid = 0
    for name, (make, n) in SHAPES.items():
        cost, slowest, failed = [], 0.0, b""
        for size in (n // 4, n // 2, n):
            octets = make(size).encode()
            low = None
            for _ in range(1 if size > 300000 else 2):
                t.smtp("MAIL FROM:<a@b.test>")
                t.smtp(f"RCPT TO:<{U1}>")
                t.smtp("DATA")
                a = settled(SMTPD)
                t.send(octets + b".\r\n")
                r = t.smtp()
                delivered = settled(SMTPD) - a
                if not r.startswith(b"250"):
                    failed = r
                    break
                uid += 1
                c.imap("SELECT INBOX")
                a = settled(IMAPD)
                # of a message that is not in memory, both at once, as mail programs ask; "under a second each" is of all of it together
                began = daemon_cpu(IMAPD)
                for command in ("UID FETCH * (ENVELOPE BODYSTRUCTURE)", "UID FETCH * (BODY.PEEK[HEADER] PREVIEW RFC822.SIZE)"):
                    if b"t OK" not in c.imap(command):
                        failed = command.encode()
                slowest = max(slowest, daemon_cpu(IMAPD) - began)
                for command in ("UID SEARCH SUBJECT zzz", "UID SEARCH TEXT zzz", "UID SORT (SUBJECT FROM) UTF-8 ALL", "UID THREAD REFERENCES UTF-8 ALL"):
                    if b"t OK" not in c.imap(command):
                        failed = command.encode()
                read = settled(IMAPD) - a
                c.imap("STORE 1:* +FLAGS.SILENT (\\Deleted)")
                c.imap("EXPUNGE")
                both = (delivered, read)
                low = both if low is None else tuple(min(x) for x in zip(low, both))
            if failed:
                break
            cost.append(low)
        if not check(f"{name}: taken and read", not failed, failed):
            t.smtp("RSET")
            continue
        for what, k in (("delivering", 0), ("reading", 1)):
            one, two, four = (x[k] for x in cost)
            check(f"{name}: {what} costs {one * 1000:.1f}, {two * 1000:.1f}, {four * 1000:.1f} ms at a quarter, half, the whole", four <= LIMIT * (one + FLOOR), cost)
        check(f"{name}: fetched in {slowest * 1000:.0f} ms of processor", slowest < 1, slowest)
    for what, pid in (("smtpd", SMTPD), ("imapd", IMAPD)):
        m = memory(pid, "VmHWM")
        check(f"{what} took {m >> 20} MB at most", m < MEMORY, m)


run()
end()
