"""The workloads. Each is a row of WORKLOADS: what it is called, what it measures, what must be reached,
and a function that carries it out once on one side and returns the value and how busy the client was."""
import json
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass

from servers import DOMAIN, FAN_OUT, HOST

BIG = "Big"
THUNDERBIRD = ("UID FETCH 1:* (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date "
               "Message-ID Priority X-Priority References Newsgroups In-Reply-To Content-Type Reply-To)])")


@dataclass
class Result:
    value: float
    client: float  # share of one processor that the load generator took
    rows: int = None  # what was answered; both sides must agree


class Bench:
    """The load generators, and the sizes that --scale changes."""

    def __init__(self, build, scale):
        self.tools = os.path.join(build, "tests", "bench")
        self.scale = scale
        self.smtp_source = shutil.which("smtp-source") or "/usr/sbin/smtp-source"

    def size(self, full, least=10):
        return max(least, int(full * self.scale))

    @property
    def big(self):
        return self.size(20000, 100)

    def imap_command(self, server, user, *args):
        return [os.path.join(self.tools, "imap_load"), "--port", str(server.port(143)), "--user",
                server.user(user), "--password", server.password, *map(str, args)]

    def load(self, command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def imap(self, server, user, *args):
        return self.load(self.imap_command(server, user, *args))

    def pop3(self, server, user, *args):
        return self.load([os.path.join(self.tools, "pop3_load"), "--port", str(server.port(110)), "--user",
                          server.user(user), "--password", server.password, *map(str, args)])


def share(report):
    return report["cpu"] / max(report["seconds"], 1e-6)


def rate(report, expected=None):
    check(report, expected)
    return Result(report["commands"] / report["seconds"], share(report), report["rows"])


def latency(report, expected=None):
    check(report, expected)
    return Result(report["median_ms"], share(report), report["rows"])


def check(report, expected):
    if expected is not None and report["rows"] != expected:
        raise RuntimeError(f"{report['rows']} answers instead of {expected}")


# Fixtures: made once on each side, before the stopwatch.

def need_big(b, server):
    if "big" not in server.ready:
        b.imap(server, "u10", f"CREATE {BIG}")
        b.imap(server, "u10", "--mailbox", BIG, "--append", 5000, "--count", b.big, "--depth", 32)
        server.ready.add("big")


def need_pop3(b, server):
    if "pop3" not in server.ready:
        b.imap(server, "u11", "--mailbox", "INBOX", "--append", 4000, "--count", b.size(3000), "--depth", 32)
        server.ready.add("pop3")


def need_append(b, server):
    if "append" not in server.ready:
        b.imap(server, "u12", "CREATE Append")
        server.ready.add("append")


# Delivery, until a session that has the mailbox selected is told of the last message.

def deliver(b, server, users, count, send):
    """`send` hands in mail so that each of the users (r%d, and how many) has `count` messages more."""
    pattern, sessions = users
    watcher = subprocess.Popen(
        b.imap_command(server, pattern, "--mailbox", "INBOX", "--sessions", sessions, "--watch", count),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if watcher.stdout.readline() != "ready\n":
        watcher.wait()
        raise RuntimeError("the watching sessions could not log in")
    used = sum(os.times()[:4])
    began = time.monotonic()
    send()
    sender = sum(os.times()[:4]) - used
    sent = time.monotonic() - began
    watcher.stdin.write("go\n")
    watcher.stdin.flush()
    report = json.loads(watcher.stdout.readline())
    seconds = time.monotonic() - began
    watcher.stdin.close()
    watcher.wait()
    # the sender's share while it was sending
    return Result(count * sessions / seconds, sender / sent, report["rows"])


def smtp_source(b, server, sessions, count, size, users):
    each = count // len(users)
    senders = [subprocess.Popen(
        [b.smtp_source, "-d", "-s", str(sessions // len(users)), "-m", str(each), "-l", str(size), "-f",
         "writer@remote.test", "-t", server.user(user), f"inet:{HOST}:{server.port(25)}"]) for user in users]
    if any([s.wait() for s in senders]):
        raise RuntimeError("smtp-source failed")


def deliver_one(b, server):
    n = b.size(2000, 200)
    return deliver(b, server, ("u9", 1), n, lambda: smtp_source(b, server, 8, n, 4000, ["u9"]))


def deliver_four(b, server):
    n = b.size(2000, 200) // 4
    users = ["u1", "u2", "u3", "u4"]
    return deliver(b, server, ("u%d", 4), n, lambda: smtp_source(b, server, 16, n * 4, 4000, users))


def deliver_large(b, server):
    n = b.size(200, 40)
    return deliver(b, server, ("u8", 1), n, lambda: smtp_source(b, server, 4, n, 1000000, ["u8"]))


def send_to_many(server, messages):
    """Each message in one transaction with all recipients, commands pipelined (RFC 2920)."""
    with socket.create_connection((HOST, server.port(25))) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        replies = s.makefile("rb")

        def expect(code):
            while True:
                line = replies.readline()
                if line[3:4] != b"-":
                    break
            if line[:3] != code:
                raise RuntimeError(f"{server.name} answered {line!r}")

        expect(b"220")
        s.sendall(b"EHLO bench.remote.test\r\n")
        expect(b"250")
        envelope = "MAIL FROM:<writer@remote.test>\r\n" + "".join(
            f"RCPT TO:<r{i}@{DOMAIN}>\r\n" for i in range(1, FAN_OUT + 1)) + "DATA\r\n"
        for n in range(messages):
            s.sendall(envelope.encode())
            for _ in range(FAN_OUT + 1):
                expect(b"250")
            expect(b"354")
            text = f"From: <writer@remote.test>\r\nTo: everybody:;\r\nSubject: number {n}\r\n\r\n"
            s.sendall((text + ("x" * 70 + "\r\n") * 55 + ".\r\n").encode())
            expect(b"250")
        s.sendall(b"QUIT\r\n")


def deliver_many(b, server):
    n = b.size(20, 4)
    return deliver(b, server, ("r%d", FAN_OUT), n, lambda: send_to_many(server, n))


# IMAP

def append(b, server):
    need_append(b, server)
    return rate(b.imap(server, "u12", "--mailbox", "Append", "--append", 4000, "--count", b.size(4000, 400),
                       "--depth", 16))


def big_latency(command, repeat, rows=None):
    """The median time of a command on the mailbox of 20,000; `rows` is how many times it is answered."""

    def work(b, server):
        need_big(b, server)
        report = b.imap(server, "u10", "--mailbox", BIG, "--count", repeat, command)
        return latency(report, rows(b) * repeat if rows else None)

    return work


def whole(b):
    return b.big


def first_sync(b, server):
    need_big(b, server)
    report = b.imap(server, "u10", "--mailbox", BIG, "UID FETCH 1:* (UID FLAGS BODY.PEEK[])")
    check(report, b.big)
    return Result(report["octets"] / report["seconds"] / 1e6, share(report), report["rows"])


def fetch_pipelined(b, server):
    need_big(b, server)
    n = min(3000, b.big)
    return rate(b.imap(server, "u10", "--mailbox", BIG, "--count", n, "--depth", n, "FETCH %d (FLAGS ENVELOPE)"), n)


def fetch_one_by_one(b, server):
    need_big(b, server)
    n = min(3000, b.big)
    return rate(b.imap(server, "u10", "--mailbox", BIG, "--count", n, "FETCH %d BODY.PEEK[]"), n)


def store_one_by_one(b, server):
    need_big(b, server)
    n = min(b.size(3000, 300), b.big)
    report = b.imap(server, "u10", "--mailbox", BIG, "--count", n, "STORE %d +FLAGS (\\Flagged)")
    b.imap(server, "u10", "--mailbox", BIG, "STORE 1:* -FLAGS.SILENT (\\Flagged)")
    return rate(report, n)


def store_all(b, server):
    need_big(b, server)
    return latency(b.imap(server, "u10", "--mailbox", BIG, "--count", 3, "STORE 1:* +FLAGS.SILENT (\\Answered)",
                          "STORE 1:* -FLAGS.SILENT (\\Answered)"))


def copied(b, server, name, messages):
    need_big(b, server)
    b.imap(server, "u10", f"CREATE {name}")
    return b.imap(server, "u10", "--mailbox", BIG, f"COPY 1:{messages} {name}")


def copy(b, server):
    report = copied(b, server, "Copies", b.big // 2)
    b.imap(server, "u10", "DELETE Copies")
    return latency(report)


def expunge(b, server):
    copied(b, server, "Copies", b.big // 2)
    b.imap(server, "u10", "--mailbox", "Copies", "STORE 1:* +FLAGS.SILENT (\\Deleted)")
    report = b.imap(server, "u10", "--mailbox", "Copies", "EXPUNGE")
    b.imap(server, "u10", "DELETE Copies")
    return latency(report)


def logins(b, server):
    need_append(b, server)
    return rate(b.imap(server, "u12", "--mailbox", "Append", "--connections", "--sessions", 4, "--count",
                       b.size(500, 100)))


# POP3

def pop3_open(b, server):
    need_pop3(b, server)
    return latency(b.pop3(server, "u11", "--count", 20))


def pop3_retr(b, server):
    need_pop3(b, server)
    return rate(b.pop3(server, "u11", "--count", b.size(3000), "--retr"))


@dataclass
class Workload:
    key: str
    text: str
    unit: str  # of the value; "ms": less is better, else more is
    target: float  # how many times better than the peers
    work: callable


WORKLOADS = [
    Workload("deliver-one", "deliver 4 KB, 8 sessions, one mailbox, until visible", "msg/s", 10, deliver_one),
    Workload("deliver-four", "deliver 4 KB, 16 sessions, four mailboxes", "msg/s", 10, deliver_four),
    Workload("deliver-large", "deliver 1 MB, 4 sessions", "msg/s", 3, deliver_large),
    Workload("deliver-many", f"one message to {FAN_OUT} recipients", "copies/s", 20, deliver_many),
    Workload("append", "APPEND 4 KB, LITERAL+ pipelined", "msg/s", 4, append),
    Workload("select", "SELECT, warm", "ms", 1, big_latency(f"SELECT {BIG}", 50)),
    Workload("fetch-flags", "FETCH 1:* (UID FLAGS)", "ms", 3, big_latency("FETCH 1:* (UID FLAGS)", 5, whole)),
    Workload("fetch-list", "Thunderbird's list fetch", "ms", 3, big_latency(THUNDERBIRD, 3, whole)),
    Workload("fetch-envelope", "FETCH 1:* (ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE FLAGS)", "ms", 5,
             big_latency("FETCH 1:* (ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE FLAGS)", 3, whole)),
    Workload("fetch-sync", "first sync, BODY.PEEK[] of all", "MB/s", 1.5, first_sync),
    Workload("fetch-pipelined", "FETCH one (FLAGS ENVELOPE), 3,000 pipelined", "/s", 2, fetch_pipelined),
    Workload("fetch-one", "FETCH one BODY.PEEK[], one by one", "/s", 2, fetch_one_by_one),
    Workload("search-unseen", "SEARCH UNSEEN", "ms", 1, big_latency("SEARCH UNSEEN", 20, lambda b: b.big // 10)),
    Workload("search-subject", "SEARCH SUBJECT, substring", "ms", 10, big_latency("SEARCH SUBJECT ferner", 3)),
    Workload("search-absent", "SEARCH TEXT, absent word", "ms", 100,
             big_latency("SEARCH TEXT quetzalcoatl", 3, lambda b: 0)),
    Workload("search-common", "SEARCH TEXT, common word", "ms", 10,
             big_latency("SEARCH TEXT meeting", 3, lambda b: b.big // 2)),
    Workload("store-one", "STORE one flag, one by one", "/s", 1.5, store_one_by_one),
    Workload("store-all", "STORE 1:*", "ms", 1, store_all),
    Workload("copy", "COPY half of the mailbox", "ms", 20, copy),
    Workload("expunge", "EXPUNGE half of the mailbox", "ms", 20, expunge),
    Workload("logins", "LOGIN, SELECT, LOGOUT, 4 at a time", "/s", 2, logins),
    Workload("pop3-open", "POP3: open 3,000 messages", "ms", 1, pop3_open),
    Workload("pop3-retr", "POP3: RETR", "msg/s", 2, pop3_retr),
]
