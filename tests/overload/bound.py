#!/usr/bin/env python3
"""At the bound of memory: whoever gets in takes what he can of each daemon at once, and more come than there is memory for. Memory of each daemon's own (what is mapped from files can be taken
back) is looked at all the time; who was there before is served all the time; who comes too late is told so."""
import collections
import os
import resource
import select
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "attacks"))
from attack import HOST, LONG, OFFSET, PW, U1, U2, check, end, greeting  # noqa: E402

PIDS = {n: int(os.environ["A_" + n]) for n in ("SMTPD", "POP3D", "IMAPD")}
BOUND = int(os.environ.get("BOUND_MB", 64)) << 20
MOST = int(os.environ.get("MOST", 600 if LONG else 300))  # of each kind
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
REFUSED = (b"* BYE [UNAVAILABLE] No memory", b"-ERR [SYS/TEMP] No memory", b"421 4.3.2 No memory")
HEADER = b"Subject: " + b"x" * 900 + b"\r\n"


def own(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(next(line for line in f if line.startswith("RssAnon:")).split()[1]) * 1024


class Watch(threading.Thread):
    """The most that each daemon had."""

    def __init__(self):
        super().__init__()
        self.most, self.over = dict.fromkeys(PIDS, 0), threading.Event()

    def run(self):
        while not self.over.wait(0.02):
            for n, p in PIDS.items():
                self.most[n] = max(self.most[n], own(p))


# What each takes, by port: octets that are sent in one go, without reading.
LOGIN, USER = f"a LOGIN {U1} {PW}\r\n".encode(), f"USER {U1}\r\nPASS {PW}\r\n".encode()
ENVELOPE = f"EHLO c\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<{U1}>\r\n".encode()
KINDS = {
    "connections and no more": {25: b"", 110: b"", 143: b""},
    "logins with wrong passwords": {110: b"USER x\r\nPASS y\r\n", 143: b"a LOGIN x y\r\n"},
    "large literals": {143: LOGIN + b"b APPEND INBOX {9000000+}\r\n" + b"x\r\n" * 20000},
    "large literals before login": {143: b"a LOGIN {9000000+}\r\n" + b"x" * 60000},
    "headers without end": {25: ENVELOPE + b"DATA\r\n" + HEADER * 60, 143: LOGIN + b"b APPEND INBOX {9000000+}\r\n" + HEADER * 60},
    "chunks": {25: ENVELOPE + b"BDAT 9000000\r\n" + b"x\r\n" * 20000},
    "mailboxes selected, and all of them fetched without reading": {143: LOGIN + b"b SELECT INBOX\r\n" + b"c FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE BODY[])\r\n" * 20,
                                                                    110: USER + b"UIDL\r\nLIST\r\n" * 20 + b"RETR 1\r\nRETR 2\r\n" * 50},
    "commands without an end": {25: b"EHLO c\r\nMAIL FROM:<" + b"x" * 60000, 110: USER + b"RETR " + b"1" * 60000, 143: LOGIN + b"b SEARCH SUBJECT {60000+}\r\n" + b"x" * 50000},
    "COMPRESS": {143: LOGIN + b"b COMPRESS DEFLATE\r\n"},
    "sorts and searches": {143: LOGIN + b"b SELECT INBOX\r\n" + b"c SORT (SUBJECT) UTF-8 ALL\r\nd THREAD REFERENCES UTF-8 ALL\r\ne SEARCH TEXT nothing\r\n" * 10},
}


def fill():
    t = greeting(143)
    t.imap(f"LOGIN {U1} {PW}")
    for i in range(20):
        message = b"From: a@b.test\r\nSubject: s%d\r\n" % i + b"References: <%d@x>\r\n" % i * 200 + b"\r\n" + b"text\r\n" * 5000
        t.send(b"b APPEND INBOX {%d+}\r\n" % len(message) + message + b"\r\n")
        t.until(r"^b ")
    t.close()


def answer_of(s):
    try:
        return s.recv(200)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def attack(kind, inside):
    """As many of it as MOST, and what they were told; all hold what they have meanwhile."""
    socks, told = [], collections.Counter()
    for port, octets in KINDS[kind].items():
        for i in range(MOST // len(KINDS[kind])):
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.setblocking(False)
            try:
                s.connect((HOST, OFFSET + port))
            except BlockingIOError:
                pass
            socks.append((s, octets))
            if i % 20 == 0:
                inside.look()
    for _ in range(4):
        for s, octets in socks:
            try:
                s.send(octets)
            except OSError:
                pass
        time.sleep(0.2)
        inside.look()
    stop, waiting = time.monotonic() + 15, {s.fileno() for s, _ in socks}
    heard = select.epoll()
    for fd in waiting:
        heard.register(fd, select.EPOLLIN | select.EPOLLONESHOT)
    while waiting and time.monotonic() < stop:
        waiting -= {fd for fd, _ in heard.poll(0.2)}
        inside.look()
    for s, _ in socks:
        a = answer_of(s)
        told["refused" if a and a.startswith(REFUSED) else "served" if a and a.startswith((b"220 ", b"+OK", b"* OK")) else "waits" if a is None else "ended" if a == b"" else repr(a)] += 1
    for s, _ in socks:
        s.close()
    return told


class Inside:
    """Those who were there before: one of each daemon."""

    def __init__(self):
        self.imap, self.pop, self.smtp = greeting(143), greeting(110), greeting(25)
        self.imap.imap(f"LOGIN {U2} {PW}")
        self.imap.imap("SELECT INBOX")
        self.pop.pop(f"USER {U2}")
        self.pop.pop(f"PASS {PW}")
        self.smtp.smtp("EHLO c")
        self.took, self.wrong = [], []

    def look(self):
        for talk, command, good in ((self.imap.imap, "NOOP", b"t OK"), (self.pop.pop, "NOOP", b"+OK"), (self.smtp.smtp, "NOOP", b"250 ")):
            began = time.monotonic()
            out = talk(command)
            self.took.append((time.monotonic() - began) * 1000)
            if good not in out:
                self.wrong.append(out)


fill()
inside, watch = Inside(), Watch()
watch.start()
for kind in KINDS if LONG else ("logins with wrong passwords", "large literals", "chunks", "mailboxes selected, and all of them fetched without reading", "COMPRESS"):
    told = attack(kind, inside)
    odd = [k for k in told if k not in ("refused", "served", "waits", "ended")]
    check(f"{kind}: {dict(told)}; at most so far " + ", ".join(f"{n.lower()} {m / (1 << 20):.0f} MB" for n, m in watch.most.items()), not odd, odd)
    time.sleep(0.5)
watch.over.set()
watch.join()
took = sorted(inside.took)
check(f"who was there before was served all the time: {len(took)} commands, {took[len(took) // 2]:.1f} ms at the median, {took[-1]:.0f} ms at most", not inside.wrong, inside.wrong[:3])
for n, m in watch.most.items():
    check(f"{n.lower()} had {m / (1 << 20):.0f} MB of its own at most, of {BOUND >> 20}", m <= BOUND, m)
time.sleep(1)
for port, good in ((143, b"* OK"), (110, b"+OK"), (25, b"220 ")):
    out = greeting(port).hello
    check(f"port {port}: afterwards a new client is let in", out.startswith(good), out)
end()
