"""Clients that are slow in every place: each is brought there by an ordinary dialogue, and from then on sends an octet a second and reads nothing."""
import base64
import collections
import errno
import os
import select
import socket
import ssl
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "attacks"))
from attack import HOST, OFFSET, PW, U1  # noqa: E402

SMTP, SUBMISSION, SUBMISSIONS, LMTP, POP3, POP3S, IMAP, IMAPS = PORTS = (25, 587, 465, 24, 110, 995, 143, 993)
TLS_PORTS = (SUBMISSIONS, POP3S, IMAPS)
AT_A_TIME = 150  # on their way to their place: less than a queue of connections, or of passwords, takes
TICK_S = 0.02  # an octet a second of each, evenly
TLS = b"TLS"  # instead of octets in a script: a whole handshake
# The beginning of a ClientHello of 512 octets, which never ends.
HELLO = bytes.fromhex("1603010200010001fc0303") + b"A" * 60
NEVER_READ = 400 * 1024  # octets that each is sent: more than a daemon writes ahead and the system takes


def auth(user):
    return b"AUTH PLAIN " + base64.b64encode(f"\0{user}\0{PW}".encode()) + b"\r\n"


# A script: what the last line of each answer begins with, and what is said then.
def ehlo(port, user, *then):
    said = [(b"220 ", b"LHLO c\r\n" if port == LMTP else b"EHLO c\r\n")]
    if port in (SUBMISSION, SUBMISSIONS):
        said += [(b"250 ", auth(user)), (b"235 ", then[0])]
    else:
        said += [(b"250 ", then[0])]
    return said + [(b"354 " if before == b"DATA\r\n" else b"250 ", now) for before, now in zip(then, then[1:])]


def in_data(port, user):
    return ehlo(port, user, f"MAIL FROM:<{user}>\r\n".encode(), f"RCPT TO:<{user}>\r\n".encode(), b"DATA\r\n", b"Subject: x")


def pop(user, then):
    return [(b"+OK", f"USER {user}\r\n".encode()), (b"+OK", f"PASS {PW}\r\n".encode()), (b"+OK", then)]


def imap(user, *then):
    """The last of `then` is said when all before it is answered."""
    said = [f"a LOGIN {user} {PW}\r\n".encode(), *then]
    return [(b"* OK", said[0])] + [(b"+ " if s.endswith(b"}\r\n") else b"a OK", now) for s, now in zip(said, said[1:])]


def unread(port, user):
    """Commands whose answers are NEVER_READ octets at least; in INBOX must be a message of that size."""
    if port in (POP3, POP3S):
        return pop(user, b"RETR 1\r\n")
    if port in (IMAP, IMAPS):
        return imap(user, b"a SELECT INBOX\r\n", b"a FETCH 1 BODY.PEEK[]\r\n")
    return ehlo(port, user, (b"LHLO c\r\n" if port == LMTP else b"EHLO c\r\n") * (NEVER_READ // 150))


def tls_begun(port):
    if port in TLS_PORTS:
        return [(b"", HELLO)]
    if port in (POP3, IMAP):
        return [(b"+OK", b"STLS\r\n"), (b"+OK", HELLO)] if port == POP3 else [(b"* OK", b"a STARTTLS\r\n"), (b"a OK", HELLO)]
    return [(b"220 ", b"EHLO c\r\n"), (b"250 ", b"STARTTLS\r\n"), (b"220 ", HELLO)]


def greeted(port, then):
    return [({POP3: b"+OK", POP3S: b"+OK", IMAP: b"* OK", IMAPS: b"* OK"}.get(port, b"220 "), then)]


def in_tls(port, script):
    return [(b"", TLS), *script] if port in TLS_PORTS else script


# Their scripts, by port, and what is sent octet by octet then (and x after it).
def at_the_start(port, user):
    return ([(b"", b"")], HELLO) if port in TLS_PORTS else (greeted(port, b""), b"")


def in_a_line(port, user):
    said = {POP3: b"USER u", POP3S: b"USER u", IMAP: b"a LOG", IMAPS: b"a LOG", LMTP: b"LHLO cl"}.get(port, b"EHLO cl")
    return in_tls(port, greeted(port, said)), b""


def in_data_or_a_literal(port, user):
    if port in (POP3, POP3S):
        return in_tls(port, pop(user, b"RET")), b""
    if port in (IMAP, IMAPS):
        return in_tls(port, imap(user, b"b APPEND INBOX {100000}\r\n", b"Subject: x")), b""
    return in_tls(port, in_data(port, user)), b""


def in_a_handshake(port, user):
    return (tls_begun(port), b"") if port != LMTP else None


def never_reading(port, user):
    return in_tls(port, unread(port, user)), b""


PLACES = {
    "at the start": at_the_start,
    "in a line": in_a_line,
    "in DATA, or a literal": in_data_or_a_literal,
    "in a TLS handshake": in_a_handshake,
    "never reading": never_reading,
}


def ports_of(place):
    return [p for p in PORTS if PLACES[place](p, U1)]


class Client:
    """On its way through its script while that has more; broken when the other side ended it, or said something else."""

    def __init__(self, port, place, source):
        script, self.then = PLACES[place](port, U1)
        self.port, self.script, self.seen, self.left, self.broken, self.handshakes = port, script[::-1], b"", b"", False, False
        self.s = socket.socket()
        if place == "never reading":
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)  # with the 64 KB of loopback the system takes megabytes
        self.s.setblocking(False)
        try:
            self.s.bind((source, 0))
            self.s.connect((HOST, OFFSET + port))
        except BlockingIOError:
            pass
        except OSError as e:
            self.break_off(e)

    def break_off(self, why):
        self.seen, self.broken = self.seen or str(why).encode(), True

    def arrived(self):
        return not self.broken and not self.script

    def send(self, octets):
        """As much as goes without waiting; the rest before anything else the next time."""
        self.left += octets
        try:
            if self.left:
                self.left = self.left[self.s.send(self.left):]
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            pass
        except OSError as e:
            self.break_off(e)

    def trickle(self):
        if not self.left:
            self.left, self.then = self.then[:1] or b"x", self.then[1:]
        self.send(b"")

    def shake_hands(self, context):
        if not self.handshakes:
            self.s, self.handshakes = context.wrap_socket(self.s, do_handshake_on_connect=False), True
        self.s.do_handshake()
        self.handshakes = False

    def go_on(self, context):
        """What can be done now; more of it when the socket can be read, or written."""
        try:
            if self.handshakes:
                self.shake_hands(context)
            while self.script:
                awaited, said = self.script[-1]
                if awaited and not self.hears(awaited):
                    return
                self.script.pop()
                if said is TLS:
                    self.shake_hands(context)
                else:
                    self.seen = b""
                    self.send(said)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except OSError as e:
            self.break_off(e)

    def hears(self, awaited):
        """The whole of the answer has come, and it is that one."""
        while not self.is_final(awaited):
            d = self.s.recv(4096)
            if not d:
                self.break_off("closed")
                return False
            self.seen += d
        if not self.last_line().startswith(awaited):
            self.break_off("")
        return not self.broken

    def is_final(self, awaited):
        line = self.last_line()
        if not self.seen.endswith(b"\r\n") or line[3:4] == b"-" and line[:3].isdigit():
            return False
        return not line.startswith(b"* ") or line.startswith(b"* BYE") or awaited.startswith(b"* ")

    def last_line(self):
        return self.seen[:-2].rsplit(b"\r\n", 1)[-1]

    def ended(self):
        """What was said to it at last, if the other side ended the connection."""
        last = self.seen
        try:
            while d := self.s.recv(1 << 16):
                last = d
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            if not self.broken:
                return None
        except (OSError, ValueError) as e:
            last = last or str(e).encode()
        return last[-80:] or b"(nothing)"


def address(network, i):
    return f"127.{network}.{i // 250 % 250}.{i % 250 + 1}"


class Crowd:
    """`count` clients on each of `ports`, the i-th from `source(i)`."""

    def __init__(self, place, count, source, ports):
        self.wanted = [(port, source(i)) for i in range(count) for port in ports][::-1]
        self.place, self.clients, self.way, self.epoll, self.due, self.next = place, [], {}, select.epoll(), 0.0, 0
        self.context = ssl._create_unverified_context()

    def advance(self, wait):
        """Some of their way. False when nobody is on it any more."""
        while self.wanted and len(self.way) < AT_A_TIME:
            c = Client(self.wanted[-1][0], self.place, self.wanted.pop()[1])
            self.clients.append(c)
            if not c.broken:
                self.way[c.s.fileno()] = c
                self.epoll.register(c.s.fileno(), select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
        for fd, _ in self.epoll.poll(wait, 256) if self.way else ():
            c = self.way[fd]
            if c.script and (error := c.s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
                c.break_off(os.strerror(error))
            elif self.is_connected(c):
                c.go_on(self.context)
            if c.broken or not c.script and not c.handshakes:
                self.epoll.unregister(fd)
                del self.way[fd]
        return bool(self.wanted or self.way)

    @staticmethod
    def is_connected(c):
        try:
            c.s.getpeername()
        except OSError as e:
            if e.errno != errno.ENOTCONN:
                c.break_off(e)
            return False
        return True

    def go(self, seconds):
        """All of the way, for so long at most."""
        stop = time.monotonic() + seconds
        while self.advance(0.1) and time.monotonic() < stop:
            pass

    def trickle(self, seconds):
        """An octet a second from each that has arrived, for a while."""
        stop, n = time.monotonic() + seconds, len(self.clients)
        while (now := time.monotonic()) < stop:
            self.due = min(self.due + n * TICK_S, n)
            while self.due >= 1:
                self.due, self.next = self.due - 1, (self.next + 1) % n
                if self.clients[self.next].arrived():
                    self.clients[self.next].trickle()
            time.sleep(max(0, min(now + TICK_S, stop) - time.monotonic()))

    def arrived(self):
        """By port."""
        return collections.Counter(c.port for c in self.clients if c.arrived())

    def ends(self):
        """By port and last words: how many were ended, or never arrived."""
        return collections.Counter((c.port, end) for c in self.clients if (end := c.ended() or (None if c.arrived() else b"(on its way) " + c.seen[-60:])))

    def close(self):
        self.epoll.close()
        for c in self.clients:
            c.s.close()
