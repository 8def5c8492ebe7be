#!/usr/bin/env python3
"""SMTP smuggling, in and out: CVE-2023-51764, -51765, -51766, and all other octets that some server somewhere takes for the end of a message."""
import glob
import os
import re
import sys

from attack import PW, SUITE, U1, U2, check, empty, end, messages, smtp, submission, wait_for

# What stands between a message and the commands behind it; only CRLF.CRLF (RFC 5321 §4.1.1.4) may end the first.
ENDS = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\r.\n", b"\n.\r", b"\r\r\n.\r\r\n", b"\n\n.\n\n", b"\r\n\0.\r\n", b"\r\n.\0\r\n",
        b"\r\n.\r\0\n", b"\r\n.\r\r\n", b"\r\n. \r\n", b"\r\n .\r\n", b"\r\n..\r\n", b"\x0b.\x0b", b"\x0c.\x0c", b"\x85.\x85", b"\xe2\x80\xa8.\xe2\x80\xa8", b"\r\n\xef\xbc\x8e\r\n",
        b"\n\r.\n\r", b"\r\n.\x1a\r\n", b"\x1a"]
INNER = (f"MAIL FROM:<evil@attacker.test>\r\nRCPT TO:<{U1}>\r\nDATA\r\nFrom: <ceo@example.test>\r\nSubject: smuggled\r\n\r\nsmuggled\r\n.\r\n").encode()
HEAD = f"From: <a@b.test>\r\nTo: <{U1}>\r\nSubject: first\r\n\r\nx"


def bare(octets):
    """Line feeds and carriage returns that are none of a pair, and NULs."""
    return re.findall(rb"(?<!\r)\n|\r(?!\n)|\0", octets)


def sunk(port, wanted):
    """Octets of the connections of a sink, once `wanted` messages came."""
    def all_of():
        out = [open(f, "rb").read() for f in glob.glob(f"{SUITE}/sunk/{port}.*") if not f.endswith(".part")]
        return out if sum(len(re.findall(rb"(?:^|\n)MAIL FROM:<u1@", o)) for o in out) >= wanted else []
    return wait_for(all_of, 30)


def inward():
    t = smtp()
    stored = 0
    for e in ENDS:
        t.smtp("MAIL FROM:<a@b.test>")
        t.smtp(f"RCPT TO:<{U1}>")
        t.smtp("DATA")
        # one message to us; to a server that believes in `e` two
        t.send(HEAD.encode() + e + INNER)
        r = t.smtp()
        t.send("NOOP\r\n")
        r2 = t.smtp()
        check(f"in: {e!r} ends nothing: one reply to all of it", r[:3] in (b"250", b"554") and r2.startswith(b"250 2.0.0") and b"queued" not in r2.lower(), (r, r2))
        stored += r.startswith(b"250")
    # the first line of all: a dot is the end there, anything else not
    for first in (b".\n", b".\r", b".\r\r\n"):
        t.smtp("MAIL FROM:<a@b.test>")
        t.smtp(f"RCPT TO:<{U1}>")
        t.smtp("DATA")
        t.send(first + INNER)
        r = t.smtp()
        t.send("NOOP\r\n")
        r2 = t.smtp()
        check(f"in: {first!r} as the first line ends nothing", r[:3] in (b"250", b"554") and r2.startswith(b"250"), (r, r2))
        stored += r.startswith(b"250")
    # chunks have no end of data at all (RFC 3030 §2)
    for e in (b"\r\n.\r\n", b"\n.\n"):
        body = HEAD.encode() + e + INNER
        t.smtp("MAIL FROM:<a@b.test>")
        t.smtp(f"RCPT TO:<{U1}>")
        t.send(b"BDAT %d LAST\r\n" % len(body) + body)
        r = t.smtp()
        r2 = t.smtp("NOOP")
        check(f"in: {e!r} in a chunk is text", r.startswith(b"250") and r2.startswith(b"250"), (r, r2))
        stored += 1
    # a chunk that is said to be shorter than it is: what is behind it is commands, by RFC 3030; one said to be longer waits and takes them in
    body = HEAD.encode() + b"\r\n"
    t.smtp("MAIL FROM:<a@b.test>")
    t.smtp(f"RCPT TO:<{U1}>")
    t.send(b"BDAT %d LAST\r\n" % (len(body) + len(INNER)) + body + INNER)
    r, r2 = t.smtp(), t.smtp("NOOP")
    check("in: commands within a chunk's size are text", r.startswith(b"250") and r2.startswith(b"250"), (r, r2))
    stored += 1
    got = messages()
    check(f"in: {stored} messages were acknowledged and are there, not one more", len(got) == stored, len(got))
    senders = [m for m in got.values() if re.match(rb"Return-Path: <evil", m) or not re.search(rb"(?m)^Return-Path: <a@b\.test>", m)]
    check("in: none of them is of the smuggled sender", not senders, senders[:1])
    check("in: no bare CR, LF or NUL is kept of those that came by DATA", not any(bare(m) for m in got.values()), [m for m in got.values() if bare(m)][:1])
    t.smtp("QUIT")


def outward(port, name):
    """Submitted as it is; what leaves must be one message for each, whatever the other side takes for an end."""
    t = submission()
    sent = 0
    bodies = ENDS + [b"\r\n.\r\n", b"\r\n..\r\n", b"\r\n.", b"\r\n.\n", b"\n.", b"\r", b"\n", b"\r\r", b"\n\n"]
    for chunked in (False, True):
        for e in bodies:
            if not chunked and e.startswith(b"\r\n.\r\n"):
                continue
            body = f"From: <{U1}>\r\nTo: <x@{name}.test>\r\nSubject: out\r\n\r\nx".encode() + e + INNER[:-5].replace(b"\r\n.\r\n", b"\r\n") + b"\r\n"
            t.smtp(f"MAIL FROM:<{U1}>")
            t.smtp(f"RCPT TO:<x@{name}.test>")
            if chunked:
                t.send(b"BDAT %d LAST\r\n" % len(body) + body)
                r = t.smtp()
            else:
                t.smtp("DATA")
                t.send(body + b".\r\n")
                r = t.smtp()
            if not r.startswith(b"250"):
                t.smtp("RSET")
            sent += r.startswith(b"250")
    # NUL where no part is encoded anew: in a header, in front of and behind the parts, in a part that is encoded already (RFC 5321 §2.3.8)
    head = f"From: <{U1}>\r\nTo: <x@{name}.test>\r\n".encode()
    for rest in (b"Subject: a\0b\r\nX\r\n\0.\r\n\r\nx\r\n", b"Fr\0om: y\r\n\0\r\n\r\nx\r\n",
                 b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\r\n\0.\r\n--b\r\n\r\nx\r\n--b--\r\n\0.\r\n",
                 b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\neHh4\r\n\0.\r\n\0\r\n", b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nx=20\r\n\0.\r\n",
                 b"MIME-Version: 1.0\r\nContent-Transfer-Encoding: x-own\r\n\r\n\0\r\n\0.\r\n"):
        t.smtp(f"MAIL FROM:<{U1}>")
        t.smtp(f"RCPT TO:<x@{name}.test>")
        t.smtp("DATA")
        t.send(head + rest + INNER[:-5].replace(b"\r\n.\r\n", b"\r\n") + b"\r\n.\r\n")
        r = t.smtp()
        if not check(f"out, {name}: {rest[:60]!r}… is taken", r.startswith(b"250"), r):
            t.smtp("RSET")
        sent += r.startswith(b"250")
    t.smtp("QUIT")
    connections = sunk(port, sent)
    octets = b"".join(connections)
    check(f"out, {name}: {sent} messages were taken and arrive", sent > 40 and len(re.findall(rb"(?:^|\n)MAIL FROM:<u1@", octets)) == sent, (sent, len(octets)))
    check(f"out, {name}: not one bare CR, LF or NUL leaves", octets and not bare(octets), bare(octets)[:5])
    if b"BDAT " not in octets:
        check(f"out, {name}: as many ends of data as messages", octets.count(b"\r\n.\r\n") == sent, octets.count(b"\r\n.\r\n"))
        between = [p for p in octets.split(b"\r\n.\r\n")[1:] if not re.match(rb"(MAIL FROM:<u1@|QUIT\r\n|RSET\r\n|EHLO |$)", p)]
        check(f"out, {name}: behind each comes a command of ours", not between, between[:1])
        check(f"out, {name}: no line begins with a lone dot that is not the end or stuffed", not re.search(rb"\n\.(?!\.|\r\n)", octets))


inward()
empty()
for a in sys.argv[1:]:
    port, name = a.split("=")
    outward(int(port), name)
end()
