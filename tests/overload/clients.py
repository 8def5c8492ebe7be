"""Clients of an overloaded suite: those that are slow in every place, and a normal one that must not notice."""
import os
import socket
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "attacks"))
from attack import HOST, OFFSET, PW, U1, greeting  # noqa: E402


def one_normal(took, wrong):
    """A client of each protocol that does nothing unusual, with a connection of its own: milliseconds of each command, and answers that are not well."""

    def timed(what, *args):
        began = time.monotonic()
        out = what(*args)
        took.append((time.monotonic() - began) * 1000)
        return out

    t = greeting(143, source="127.0.0.2")
    for c in (f"LOGIN {U1} {PW}", "SELECT INBOX", "NOOP", "STATUS INBOX (MESSAGES)"):
        out = timed(t.imap, c)
        if b"t OK" not in out:
            wrong.append(out)
    t.close()
    t = greeting(110, source="127.0.0.2")
    for c in (f"USER {U1}", f"PASS {PW}", "STAT"):
        out = timed(t.pop, c)
        if not out.startswith(b"+OK"):
            wrong.append(out)
    t.pop("QUIT")
    t.close()
    t = greeting(25, source="127.0.0.2")
    for c in ("EHLO c.test", "MAIL FROM:<a@b.test>", f"RCPT TO:<{U1}>", "RSET"):
        out = timed(t.smtp, c)
        if not out.startswith(b"2"):
            wrong.append(out)
    t.close()


def summary(took):
    """The median and the 95th percentile."""
    return statistics.median(took), sorted(took)[len(took) * 95 // 100]


def normal(rounds=15):
    took, wrong = [], []
    for _ in range(rounds):
        one_normal(took, wrong)
    return *summary(took), wrong


# What a slow client has said when it falls silent, or goes on octet by octet: {place: {port: octets}}.
HELLO = bytes.fromhex("160301020001 0001fc0303".replace(" ", "")) + b"A" * 60
PLACES = {
    "at the start": {25: b"", 110: b"", 143: b""},
    "in a line": {25: b"EHLO cl", 110: b"USER u", 143: b"a LOG"},
    "in DATA, or a literal": {25: f"EHLO c\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<{U1}>\r\nDATA\r\nSubject: x".encode(), 110: f"USER {U1}\r\nPASS {PW}\r\nRET".encode(),
                             143: f"a LOGIN {U1} {PW}\r\nb APPEND INBOX {{100000+}}\r\nSubject: x".encode()},
    "in a TLS handshake": {25: b"EHLO c\r\nSTARTTLS\r\n", 110: b"STLS\r\n", 143: b"a STARTTLS\r\n", 465: b"", 993: b"", 995: b""},
    "never reading": {25: b"EHLO c\r\n" + b"NOOP\r\n" * 500, 110: f"USER {U1}\r\nPASS {PW}\r\n".encode() + b"UIDL\r\nCAPA\r\n" * 400, 143: f"a LOGIN {U1} {PW}\r\n".encode() + b"b CAPABILITY\r\n" * 800},
}


def open_slow(place, count, source=None):
    """`count` of them at each daemon, shared by its ports; `source(i)`: the address where the i-th comes from."""
    socks, ports = [], PLACES[place]
    for port, octets in ports.items():
        for i in range(count * 3 // len(ports)):
            s = socket.socket()
            if place == "never reading":
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            s.settimeout(20)
            if source:
                s.bind((source(i), 0))
            s.connect((HOST, OFFSET + port))
            s.setblocking(False)
            socks.append((s, octets))
    time.sleep(0.2)
    for s, octets in socks:
        if octets.startswith(b"EHLO") and place != "never reading":
            time.sleep(0.001)
        send_some(s, octets)
    if place == "in a TLS handshake":
        time.sleep(0.5)
        for s, _ in socks:
            send_some(s, HELLO)
    return [s for s, _ in socks]


def send_some(s, octets):
    """As much as goes without waiting."""
    try:
        s.send(octets)
    except OSError:
        pass


def trickle(socks, over):
    """An octet a second from each."""
    while not over.wait(1):
        for s in socks:
            send_some(s, b"x")
