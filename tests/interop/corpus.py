#!/usr/bin/env python3
"""Real mail in by SMTP, out by POP3 and IMAP, compared octet for octet: host offset cafile u1 u2 password directory."""
import glob
import multiprocessing
import poplib
import re
import smtplib
import sys
import time

from imapwire import Imap, Wrong, check_body, check_envelope

HOST, OFFSET, CA, U1, U2, PW, DIR = sys.argv[1:8]
OFFSET = int(OFFSET)
CLIENTS = 8
poplib._MAXLINE = 1 << 24  # real mail has longer lines than Python allows
passed = failed = 0


def check(what, good, seen=""):
    global passed, failed
    if good:
        passed += 1
        print("ok  ", what, flush=True)
    else:
        failed += 1
        print("FAIL", what, str(seen)[:600], flush=True)


def normal(octets):
    """CRLF line ends, one at the end: what SMTP carries (RFC 5321 2.3.8)."""
    octets = re.sub(rb"\r\n|\r|\n", b"\r\n", octets)
    return octets if octets.endswith(b"\r\n") else octets + b"\r\n"


def header_end(m):
    i = m.find(b"\r\n\r\n")
    return len(m) if i < 0 else i + 2


def without_return_path(m):
    """Final delivery takes away a Return-Path that came along (RFC 5321 4.4); nothing else may change."""
    end = header_end(m)
    return re.sub(rb"(?im)^return-path[ \t]*:.*\r\n([ \t].*\r\n)*", b"", m[:end]) + m[end:]


def send(job):
    """One client: a connection for 50 messages each."""
    files, start = job
    s, n = None, 0
    for i, f in enumerate(files):
        if n % 50 == 0:
            if s:
                s.quit()
            s = smtplib.SMTP(HOST, OFFSET + 25, "client.test", timeout=60)
            s.ehlo()
        n += 1
        number = start + i
        to = [U1, U2] if number % 10 == 0 else [U1]
        code, text = s.mail(f"n{number}@corpus.test")
        assert code == 250, text
        for r in to:
            assert s.rcpt(r)[0] == 250
        code, text = s.data(normal(open(f, "rb").read()))
        assert code == 250, (f, code, text)
    if s:
        s.quit()
    return len(files)


def split_trace(m):
    """(sender number, the message without the fields delivery put in front)."""
    r = re.match(rb"Return-Path: <n(\d+)@corpus\.test>\r\nReceived: .*\r\n(?:[ \t].*\r\n)*", m)
    if not r:
        raise Wrong(f"trace fields missing: {m[:200]!r}")
    return int(r.group(1)), m[r.end():]


def compare(what, originals, got):
    seen, wrong = {}, []
    for m in got:
        try:
            number, text = split_trace(m)
        except Wrong as e:
            wrong.append(e)
            continue
        seen[number] = seen.get(number, 0) + 1
        if text != originals.get(number):
            wrong.append((number, len(text), len(originals.get(number, b""))))
    check(f"{what}: every message octet for octet", not wrong, wrong[:5])
    check(f"{what}: none lost", set(seen) == set(originals), sorted(set(originals) - set(seen))[:10])
    check(f"{what}: none double", all(v == 1 for v in seen.values()), [k for k, v in seen.items() if v > 1][:10])


def by_pop3():
    p = poplib.POP3(HOST, OFFSET + 110, timeout=120)
    p.user(U1)
    p.pass_(PW)
    n, octets = p.stat()
    out = []
    for i in range(1, n + 1):
        out.append(b"\r\n".join(p.retr(i)[1]) + b"\r\n")
    check("pop3: sizes add up", sum(map(len, out)) == octets, (sum(map(len, out)), octets))
    p.quit()
    return out


def by_imap(user, tls):
    c = Imap(HOST, OFFSET + (993 if tls else 143), CA if tls else None)
    c.login(user, PW)
    c.cmd("SELECT INBOX")
    rows = c.fetch("FETCH 1:* (UID RFC822.SIZE BODY.PEEK[])")
    out = [rows[i]["BODY[]"] for i in sorted(rows)]
    check(f"imap {user}: sizes are right", all(int(r["RFC822.SIZE"]) == len(r["BODY[]"]) for r in rows.values()))
    c.cmd("LOGOUT")
    return out


def by_imap_parts():
    c = Imap(HOST, OFFSET + 143)
    c.login(U1, PW)
    c.cmd("EXAMINE INBOX")
    wrong, leaves, sections = [], 0, {}
    rows = c.fetch("FETCH 1:* (ENVELOPE BODYSTRUCTURE BODY INTERNALDATE)")
    for seq, r in sorted(rows.items()):
        try:
            check_envelope(r["ENVELOPE"])
            found = check_body(r["BODYSTRUCTURE"])
            simple = check_body(r["BODY"])
            if [x for x in found] != [x for x in simple]:
                raise Wrong("BODY and BODYSTRUCTURE differ")
            sections[seq] = found
        except (Wrong, IndexError, TypeError, KeyError) as e:
            wrong.append((seq, repr(e)[:200]))
    check("imap: every ENVELOPE, BODY and BODYSTRUCTURE parses", not wrong, wrong[:5])
    check("imap: there is one for each", len(rows) == len(sections) and len(rows) > 0)
    wrong = []
    for seq, found in sections.items():
        for chunk in range(0, len(found), 50):
            part = found[chunk:chunk + 50]
            got = c.fetch(f"FETCH {seq} ({' '.join(f'BODY.PEEK[{s}]' for s, _ in part)})").get(seq, {})
            for s, octets in part:
                leaves += 1
                if len(got.get(f"BODY[{s}]") or b"") != octets:
                    wrong.append((seq, s, octets, len(got.get(f"BODY[{s}]") or b"")))
    check(f"imap: each of {leaves} leaves has the octets BODYSTRUCTURE says", not wrong and leaves >= len(rows), wrong[:5])
    c.cmd("LOGOUT")


def main():
    files = sorted(glob.glob(DIR + "/*/*.txt"))
    check("the corpus has about 6,000 messages", len(files) > 5900, len(files))
    originals = {i: without_return_path(normal(open(f, "rb").read())) for i, f in enumerate(files)}
    share = (len(files) + CLIENTS - 1) // CLIENTS
    start = time.time()
    with multiprocessing.Pool(CLIENTS) as pool:
        sent = sum(pool.map(send, [(files[i:i + share], i) for i in range(0, len(files), share)], 1))
    print(f"     {sent} messages accepted from {CLIENTS} clients in {time.time() - start:.1f} s")
    check("all accepted", sent == len(files))
    compare("pop3", originals, by_pop3())
    compare("imap", originals, by_imap(U1, False))
    compare("imaps, second recipient", {k: v for k, v in originals.items() if k % 10 == 0}, by_imap(U2, True))
    by_imap_parts()
    print(f"{passed} passed, {failed} failed")


if __name__ == "__main__":
    main()
