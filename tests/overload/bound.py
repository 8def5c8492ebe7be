#!/usr/bin/env python3
"""At the bound of memory: whoever gets in takes what he can of each daemon at once, and more come than there is memory for. Memory of each daemon's own (what is mapped from files can be taken
back) is looked at all the time; who was there before is served all the time; who comes too late is told so."""
import collections
import os
import resource
import socket
import ssl
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "attacks"))
from attack import HOST, LONG, OFFSET, PW, SUITE, U1, U2, check, end, greeting  # noqa: E402

PIDS = {n: int(os.environ["A_" + n]) for n in ("SMTPD", "POP3D", "IMAPD")}
BOUND = int(os.environ["BOUND_MB"]) << 20
ONLY = os.environ.get("KIND", "")  # how the name of a kind begins
MOST = int(os.environ.get("MOST", 4000 if LONG else 800))  # of each kind
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
HOLD_S = 8 if LONG else 0.5
PATIENCE_S = 60  # with who keeps a daemon waiting (PATIENCE_MS)
OUTWAITED = ("halves of a TLS record",) if LONG else ()
DAEMONS = {25: "SMTPD", 110: "POP3D", 143: "IMAPD", 465: "SMTPD", 995: "POP3D", 993: "IMAPD"}
# At the greeting, or of a command (docs/ARCHITECTURE.md, Memory).
REFUSED = (b"No memory", b"ut of memory", b"[SYS/TEMP]")
refused = dict.fromkeys(PIDS, 0)
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
UNVERIFIED = ssl._create_unverified_context()
LINE = LOGIN + b"b SEARCH SUBJECT " + b"x" * 60000


def client_hello():
    """The first flight of a handshake."""
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        UNVERIFIED.wrap_bio(into, out, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


HELLO = client_hello()
TLS = None  # all but the last octet of a record
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
    "TLS handshakes that stop in the middle": {465: HELLO, 995: HELLO, 993: HELLO},
    "halves of a TLS record": {465: TLS, 995: TLS, 993: TLS},
    "lines without an end": {143: LINE},
    "short lines without an end": {143: LINE[:len(LOGIN) + 300], 25: LINE[-300:], 110: LINE[-300:]},
    "commands without an end": {25: b"EHLO c\r\nMAIL FROM:<" + b"x" * 60000, 110: USER + b"RETR " + b"1" * 60000, 143: LOGIN + b"b SEARCH SUBJECT {60000+}\r\n" + b"x" * 50000},
    "COMPRESS": {143: LOGIN + b"b COMPRESS DEFLATE\r\n"},
    "sorts and searches": {143: LOGIN + b"b SELECT INBOX\r\n" + b"c SORT (SUBJECT) UTF-8 ALL\r\nd THREAD REFERENCES UTF-8 ALL\r\ne SEARCH TEXT nothing\r\n" * 10},
}
SHORT = ("logins with wrong passwords", "large literals", "chunks", "mailboxes selected, and all of them fetched without reading", "halves of a TLS record")


def fill():
    t = greeting(143)
    t.imap(f"LOGIN {U1} {PW}")
    for i in range(20):
        message = b"From: a@b.test\r\nSubject: s%d\r\n" % i + b"References: <%d@x>\r\n" % i * 200 + b"\r\n" + b"text\r\n" * 5000
        t.send(b"b APPEND INBOX {%d+}\r\n" % len(message) + message + b"\r\n")
        t.until(r"^b ")
    t.close()


class Attacker:
    """One of a kind: sends what it takes, reads nothing until the end."""

    def __init__(self, port, octets):
        self.daemon, self.octets = DAEMONS[port], octets
        self.s = socket.socket()
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.s.setblocking(False)
        try:
            self.s.connect((HOST, OFFSET + port))
        except BlockingIOError:
            pass
        if octets is TLS:
            self.octets = self.begin_record()

    def begin_record(self):
        """After a whole handshake: b"" where it failed."""
        raw, into, out = self.s, ssl.MemoryBIO(), ssl.MemoryBIO()
        raw.settimeout(10)
        tls = UNVERIFIED.wrap_bio(into, out, server_hostname="localhost")
        while True:
            try:
                tls.do_handshake()
                raw.sendall(out.read())
                break
            except ssl.SSLWantReadError:
                try:
                    raw.sendall(out.read())
                    into.write(raw.recv(16384))
                except OSError:
                    return b""
            except ssl.SSLError:
                return b""
        raw.setblocking(False)
        tls.write(b"x" * 16000)
        return out.read()[:-1]

    def push(self):
        try:
            self.s.send(self.octets)
            if self.octets[:1] in b"\x16\x17" or b"COMPRESS" in self.octets:  # more of it would be wrong
                self.octets = b""
        except OSError:
            pass

    def hear(self):
        """What became of it: the last answers that are there say it best."""
        got, over = b"", False
        try:
            while len(got) < 300000:
                d = self.s.recv(65536)
                if not d:
                    over = True
                    break
                got += d
        except BlockingIOError:
            pass
        except OSError:
            over = True
        self.s.close()
        for text in REFUSED:
            if text in got:
                return "refused for want of memory"
        return "ended" if over else "served" if got else "waits"


def let_in(port):
    """A newcomer, while all of them hold what they have."""
    try:
        t = greeting(port, tls=port in (465, 993, 995))
    except OSError:  # an alert of TLS, from the socket's buffer
        return "refused for want of memory"
    out = t.hello or t.buf  # a refusal by POP3
    t.close()
    return "refused for want of memory" if any(text in out for text in REFUSED) else "served" if out.startswith((b"220 ", b"+OK", b"* OK")) else repr(out)


def attack(kind, inside):
    """As many of it as MOST, and what they were told; all hold what they have meanwhile."""
    them, told = [], collections.Counter()
    for port, octets in KINDS[kind].items():
        for i in range(MOST // len(KINDS[kind])):
            them.append(Attacker(port, octets))
            if i % 20 == 0:
                inside.look()
    for _ in range(4):
        for a in them:
            a.push()
        time.sleep(0.2)
        inside.look()
    stop = time.monotonic() + (PATIENCE_S + 10 if kind in OUTWAITED else HOLD_S)
    while time.monotonic() < stop:
        inside.look()
        time.sleep(0.05)
    for port in KINDS[kind]:
        began = time.monotonic()
        told[f"newcomers {let_in(port)}" + (f" {port} {time.monotonic() - began:.1f} s" if time.monotonic() - began > 5 else "")] += 1
    for a in them:
        what = a.hear()
        told[what] += 1
        if what.startswith("refused"):
            refused[a.daemon] += 1
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
for kind in [k for k in KINDS if k.startswith(ONLY)] if ONLY else KINDS if LONG else SHORT:
    told = attack(kind, inside)
    odd = [k for k in told if k.startswith("newcomers b") or k.endswith(" s")]
    check(f"{kind}: {dict(told)}; at most so far " + ", ".join(f"{n.lower()} {m / (1 << 20):.0f} MB" for n, m in watch.most.items()), not odd, odd)
    time.sleep(0.5)
watch.over.set()
watch.join()
took = sorted(inside.took)
with open(os.path.join(SUITE, "log"), encoding="utf-8", errors="replace") as f:
    LOG = list(f)
median, most = took[len(took) // 2], took[-1]
check(f"who was there before was served all the time: {len(took)} commands, {median:.1f} ms at the median, {most:.0f} ms at most", not inside.wrong and median < 100 and most < 5000, inside.wrong[:3])
for n, m in watch.most.items():
    said = sum(f" {n.lower()} memory_full" in line or f" {n.lower()} shed" in line or f" {n.lower()} connection_refused" in line for line in LOG)
    if LONG and n != "IMAPD" and (not ONLY or ONLY in OUTWAITED):
        # imapd's own login_timeout is as long
        shed = sum(f" {n.lower()} shed " in line for line in LOG)
        check(f"{n.lower()} ended who kept it waiting: {shed} lines of its log", shed)
    need = LONG or n != "POP3D"  # which takes many clients
    check(f"{n.lower()} was {'' if said else 'not '}at its bound: {refused[n]} heard that there is no memory, {said} lines of its log say so", ONLY or said or not need)
    check(f"{n.lower()} had {m / (1 << 20):.0f} MB of its own at most, of {BOUND >> 20}", m <= BOUND, m)
for port, good in ((143, b"* OK"), (110, b"+OK"), (25, b"220 ")):
    began, out = time.monotonic(), b""
    while not out.startswith(good) and time.monotonic() < began + 5:
        t = greeting(port)
        out = t.hello or t.buf
        t.close()
        time.sleep(0.1)
    check(f"port {port}: afterwards a new client is let in, after {time.monotonic() - began - 0.1:.1f} s", out.startswith(good), out)
end()
