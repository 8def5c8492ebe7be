#!/usr/bin/env python3
"""Users told apart by words or time, guessed passwords, floods before login, COMPRESS bombs."""
import base64
import os
import re
import statistics
import sys
import time
import zlib

from attack import LONG, PW, U1, U2, Talk, check, end, greeting, log, memory, smtp

SMTPD, POP3D, IMAPD = (int(os.environ[n]) for n in ("A_SMTPD", "A_POP3D", "A_IMAPD"))
ADDRESSES = iter(f"127.0.{a}.{b}" for a in range(4, 250) for b in range(1, 250))  # who fails often waits, so each comes from elsewhere


def plain(user, password):
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


def once(kind, user, password):
    """Seconds and words of one login."""
    source = next(ADDRESSES)
    if kind == "IMAP LOGIN":
        t = greeting(143, source=source)
        began = time.monotonic()
        out = t.imap(f'LOGIN "{user}" "{password}"')
    elif kind == "POP3 USER":
        t = greeting(110, source=source)
        began = time.monotonic()
        out = t.pop(f"USER {user}") + t.pop(f"PASS {password}")
    else:
        t = smtp(587, source=source)
        began = time.monotonic()
        out = t.smtp("AUTH PLAIN " + plain(user, password))
    took = time.monotonic() - began
    t.close()
    return took, out


def enumeration():
    """Medians of known and unknown users, asked alternately, with the hashing that real passwords have (no cache)."""
    rounds = 40 if LONG else 9
    for kind in ("IMAP LOGIN", "POP3 USER", "SMTP AUTH"):
        took, words = {True: [], False: []}, {True: set(), False: set()}
        for i in range(rounds):
            for known in (True, False):
                s, out = once(kind, U1 if known else "nobody" + U1[2:], f"wrong-{i}")
                took[known].append(s)
                words[known].add(out)
        a, b = statistics.median(took[True]), statistics.median(took[False])
        check(f"{kind}: the words for known and unknown users are the same", words[True] == words[False] and len(words[True]) == 1, words)
        check(f"{kind}: {a * 1000:.0f} ms for known users, {b * 1000:.0f} ms for unknown ones, at the median of {rounds}", 0.6 < a / b < 1.67, took)
        check(f"{kind}: a password is hashed for both", min(took[True] + took[False]) > 0.012, took)
    for port in (25, 587):
        t = smtp(port)
        for verb in ("VRFY", "EXPN"):
            a, b = t.smtp(f"{verb} {U1}"), t.smtp(f"{verb} nobody{U1[2:]}")
            check(f"port {port}: {verb} says the same of everybody", a == b and a[:3] in (b"252", b"502", b"500", b"530"), (a, b))
        t.close()
    t = smtp(587)
    a = t.smtp(f"MAIL FROM:<{U1}>"), t.smtp(f"RCPT TO:<{U2}>")
    t.smtp("RSET")
    b = t.smtp(f"MAIL FROM:<nobody{U1[2:]}>"), t.smtp(f"RCPT TO:<nobody{U1[2:]}>")
    check("port 587: who is not logged in learns of no sender and no recipient", a == b and a[0].startswith(b"530"), (a, b))


def guessing():
    """Each failure of an address waits longer, others do not; a session has five."""
    source = "127.0.3.9"
    took = []
    for i in range(2):
        t = greeting(143, source=source)
        for k in range(5):
            began = time.monotonic()
            out = t.imap(f"LOGIN {U1} guess-{i}-{k}")
            took.append(time.monotonic() - began)
        rest, state = t.rest(2)
        check(f"guessing, session {i + 1}: five failures end it", b"* BYE" in rest and state == "closed", (out, rest, state))
    check(f"the ten answers of an address are held back longer and longer ({took[0] * 1000:.0f} to {took[-1] * 1000:.0f} ms)", took[-1] > took[0] + 0.5 and took[-1] >= 1.0, took)
    t = greeting(110, source=source)
    began = time.monotonic()
    t.pop(f"USER {U1}")
    out = t.pop(f"PASS {PW}")
    check("who knows the password gets in from there at once", out.startswith(b"+OK") and time.monotonic() - began < took[-1] + 1, out)
    s, out = once("IMAP LOGIN", U1, "wrong")
    check(f"another address waits {s * 1000:.0f} ms only", s < took[-1] / 2, (s, took))
    # guesses in flight hold no worker: a hundred wait, somebody else is served
    waiting = []
    for i in range(60):
        t = greeting(143, source=source)
        t.send(f"a LOGIN {U1} x{i}\r\n")
        waiting.append(t)
    time.sleep(0.3)
    began = time.monotonic()
    greeting(143).imap("NOOP")
    calm = time.monotonic() - began
    check(f"while 60 guesses wait, another session is greeted and answered in {calm * 1000:.0f} ms", calm < 1, calm)
    for t in waiting:
        t.close()
    failed = re.findall(rb"login_failed [^\n]*peer=127\.0\.3\.9", log())
    check("each failure is in the log with its address", len(failed) >= 10, len(failed))


def floods():
    """Huge literals and many of them, lines without end, before login: little is kept."""
    before = {p: memory(p) for p in (SMTPD, POP3D, IMAPD)}
    for what, octets in (("a literal of 100 MB", b"a LOGIN {100000000+}\r\n"), ("one of 2^64", b"a LOGIN {18446744073709551617+}\r\n"), ("one that waits", b"a APPEND INBOX {100000000}\r\n"),
                         ("an authentication line of 4 MB", b"a AUTHENTICATE PLAIN\r\n")):
        t = greeting(143, source=next(ADDRESSES))
        t.send(octets)
        try:
            for _ in range(64):
                t.send(b"x" * 65536)
        except OSError:
            pass
        out, state = t.rest(0.5)
        check(f"before login {what} is refused", re.search(rb"(?m)^(a|\*) (BAD|NO|BYE)", out) or state == "closed", out)
        t.close()
    many = []
    for i in range(150):
        for port, octets in ((143, b"a LOGIN {4000+}\r\n" + b"x" * 3999), (143, b"a NOOP\r\n" * 10 + b"x" * 8000), (110, b"x" * 8000), (25, b"EHLO " + b"x" * 4000)):
            t = Talk(port, source=next(ADDRESSES))
            t.send(octets)
            many.append(t)
    time.sleep(0.5)
    after = {p: memory(p) for p in before}
    grown = sum(after.values()) - sum(before.values())
    check(f"600 connections with half a command before login take {grown / len(many) / 1024:.0f} KB each", grown < len(many) * 64 * 1024, (before, after))
    for t in many:
        t.close()


def high_water(pid):
    with open(f"/proc/{pid}/clear_refs", "w") as f:
        f.write("5")
    return memory(pid, "VmHWM")


def bombs():
    """RFC 4978: what is small on the wire and large when inflated."""
    size = 400 if LONG else 100
    zero = b"x" * (1 << 20)
    for what, pieces in (("a line without end", [b"a "] + [zero] * size), ("a literal that was not allowed", [b"a APPEND INBOX {2000000000+}\r\n"] + [zero] * size),
                         ("commands by the hundred thousand, their answers not read", [b"a NOOP\r\n" * 10000] * (size // 5)), ("SEARCH in thousands of brackets", [b"a SEARCH " + b"(" * 100000 + b"ALL" + b")" * 100000 + b"\r\n"] * 50)):
        t = Talk(143, source=next(ADDRESSES))
        t.until(r"^\* ")
        t.imap(f"LOGIN {U1} {PW}")
        t.imap("COMPRESS DEFLATE")
        before = high_water(IMAPD)
        z = zlib.compressobj(9, zlib.DEFLATED, -15)
        out = b"".join(z.compress(p) for p in pieces) + z.flush(zlib.Z_SYNC_FLUSH)
        full = sum(len(p) for p in pieces)
        t.s.settimeout(3)
        try:
            t.send(out)
        except OSError:
            pass
        time.sleep(0.7)
        grown = memory(IMAPD, "VmHWM") - before
        check(f"COMPRESS: {what}, {len(out) // 1024} KB that inflate to {full >> 20} MB, cost {grown / 1048576:.1f} MB", grown < 32 << 20, grown)
        began = time.monotonic()
        ok = b"t OK" in greeting(143, source=next(ADDRESSES)).imap("NOOP")
        check(f"and another session is answered meanwhile, in {(time.monotonic() - began) * 1000:.0f} ms", ok and time.monotonic() - began < 2)
        t.close()


for what in sys.argv[1:] or ("enumeration", "guessing", "floods", "bombs"):
    {"enumeration": enumeration, "guessing": guessing, "floods": floods, "bombs": bombs}[what]()
end()
