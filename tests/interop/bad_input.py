#!/usr/bin/env python3
"""Malformed input to the three daemons over real sockets: host offset user password."""
import random
import re
import socket
import sys
import time

HOST, OFFSET, USER, PW = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
passed = failed = 0


def check(what, good, seen=b""):
    global passed, failed
    if good:
        passed += 1
        print("ok  ", what)
    else:
        failed += 1
        print("FAIL", what, repr(seen)[:300])


def talk(port, *pieces, wait=1.0):
    """Sends the pieces one after the other, gives all that came back until silence or the end."""
    s = socket.create_connection((HOST, OFFSET + port), timeout=5)
    s.settimeout(wait)
    out = b""
    try:
        out = s.recv(65536)
        for p in pieces:
            s.sendall(p)
            try:
                while True:
                    d = s.recv(65536)
                    if not d:
                        return out
                    out += d
                    if len(pieces) > 1 and d.endswith(b"\r\n"):
                        break
            except socket.timeout:
                pass
    except (ConnectionError, socket.timeout):
        pass
    finally:
        s.close()
    return out


LONG = b"x" * 300000
for name, port, error in (("smtp", 25, rb"\r\n(5\d\d|421) "), ("submission", 587, rb"\r\n(5\d\d|421) "), ("pop3", 110, rb"\r\n-ERR"), ("imap", 143, rb"(\r\n\S+ BAD|\r\n\* BYE|\r\n\* BAD)")):
    for what, octets in (
        ("garbage", b"\x80\x81\x82\xff\r\n"),
        ("NUL", b"NO\0OP\r\n"),
        ("bare LF", b"NOOP\n\r\n"),
        ("bare CR", b"NO\rOP\r\n"),
        ("an unknown command", b"a FROBNICATE all\r\n"),
        ("an endless line", LONG + b"\r\n"),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("a TLS hello on the plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"A" * 500 + b"\r\n"),
        ("an empty line", b"\r\n"),
    ):
        out = talk(port, octets, wait=0.4)
        check(f"{name}: {what} is answered with an error", re.search(error, out) is not None, out)
    # octets cut off anywhere
    rnd = random.Random(port)
    for _ in range(30):
        s = socket.create_connection((HOST, OFFSET + port), timeout=5)
        s.sendall(bytes(rnd.randrange(256) for _ in range(rnd.randrange(200))))
        s.close()

# smuggling: only CRLF.CRLF ends the data
for end in (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\r\r\n.\r\r\n", b"\n\n.\r\n", b"\r\n\0.\r\n"):
    out = talk(25, b"EHLO c\r\n", b"MAIL FROM:<a@b.test>\r\n", b"RCPT TO:<" + USER.encode() + b">\r\n", b"DATA\r\n", b"Subject: s\r\n\r\nx" + end + b"MAIL FROM:<evil@b.test>\r\nRCPT TO:<" + USER.encode() + b">\r\nDATA\r\nSubject: evil\r\n\r\n", wait=0.3)
    check(f"smtp: {end!r} does not end the data", out.count(b"\r\n354") == 1 and not out.endswith(b"354"), out[-200:])

out = talk(25, b"EHLO c\r\n", b"MAIL FROM:<a@b.test>\r\nRCPT TO:<" + USER.encode() + b">\r\nDATA\r\n", b".\r\n", b"QUIT\r\n", wait=0.5)
check("smtp: a dot as the first line ends an empty message", b"\r\n221" in out, out)
out = talk(143, b"a LOGIN {5}\r\n", wait=0.4)
check("imap: a literal is invited", b"\r\n+ " in out, out)
out = talk(143, b"a LOGIN {99999999999}\r\n", wait=0.4)
check("imap: a huge literal before login is refused", b"BAD" in out or b"NO" in out or b"BYE" in out, out)
out = talk(143, b"a LOGIN {100000000+}\r\n", wait=0.4)
check("imap: a huge non-synchronising literal is refused", b"BAD" in out or b"NO" in out or b"BYE" in out, out)
login = b"a LOGIN " + USER.encode() + b" " + PW.encode() + b"\r\n"
out = talk(143, login, b"b SELECT INBOX\r\n", b"c SEARCH " + b"(" * 5000 + b"ALL" + b")" * 5000 + b"\r\n", wait=0.5)
check("imap: deep nesting is refused", b"\r\nc BAD" in out or b"\r\nc NO" in out, out[-200:])
out = talk(143, login, b"b FETCH 1 FLAGS\r\n", wait=0.5)
check("imap: a command in the wrong state", b"\r\nb BAD" in out or b"\r\nb NO" in out, out[-200:])
out = talk(143, login, b"b LIST \"\" \"" + b"*a" * 500 + b"b\"\r\n", wait=0.5)
check("imap: a pattern of many wildcards", b"\r\nb OK" in out, out[-200:])
out = talk(110, *[b"FOO\r\n"] * 30, wait=0.3)
check("pop3: too many bad commands end the session with a word", out.count(b"-ERR") >= 3 and out.count(b"-ERR") < 30, out[-200:])
out = talk(25, *[b"FOO\r\n"] * 40, wait=0.3)
check("smtp: too many bad commands end the session with 421", b"\r\n421" in out, out[-200:])
out = talk(143, *[b"x FOO\r\n"] * 40, wait=0.3)
check("imap: too many bad commands end the session with BYE", b"\r\n* BYE" in out, out[-200:])
# a normal client is served at once meanwhile
slow = []
for port in (25, 110, 143):
    for _ in range(100):
        s = socket.create_connection((HOST, OFFSET + port), timeout=5)
        s.sendall(b"E")
        slow.append(s)
for port, cmd in ((25, b"NOOP\r\n"), (110, b"CAPA\r\n"), (143, b"a NOOP\r\n")):
    s = socket.create_connection((HOST, OFFSET + port), timeout=5)
    s.recv(4096)
    start = time.monotonic()
    s.sendall(cmd)
    s.recv(4096)
    took = time.monotonic() - start
    check(f"port {port}: answered in {took * 1000:.1f} ms beside 300 slow clients", took < 0.5)
    s.close()
for s in slow:
    s.close()
print(f"{passed} passed, {failed} failed")
