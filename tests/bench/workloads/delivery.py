"""Mail in by SMTP, until an IMAP session that has the mailbox selected is told of the last message; APPEND."""
import json
import os
import socket
import statistics
import subprocess
import time

from servers import DOMAIN, FAN_OUT, HOST

from .base import AtMost, Result, Workload, rate
from .fixtures import need_append


def deliver(b, server, users, count, send):
    """`send` hands in mail so that each of the users (r%d, and how many) has `count` messages more."""
    pattern, sessions = users
    with b.watcher(server, pattern, "INBOX", sessions, count) as watcher:
        used = sum(os.times()[:4])
        began = time.monotonic()
        send()
        sender = sum(os.times()[:4]) - used
        sent = time.monotonic() - began
        watcher.stdin.write("go\n")
        watcher.stdin.flush()
        report = json.loads(watcher.stdout.readline())
        seconds = time.monotonic() - began
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


def append(b, server):
    need_append(b, server)
    return rate(b.imap(server, "u12", "--mailbox", "Append", "--append", 4000, "--count", b.size(4000, 400),
                       "--depth", 16))


def index_cost(b, server):
    """How much slower acceptance is while the search index is made; enough mail that it begins meanwhile.

    One delivery differs from the next by a fifth on a shared disk, so each way is measured four times, in an order that
    favours neither: after the two without, the index has all their mail to catch up with.
    """
    if server.name != "pillarbox":
        return None
    n = b.size(12000, 1200)
    rates = {True: [], False: []}
    deliver(b, server, ("u7", 1), n // 4, lambda: smtp_source(b, server, 8, n // 4, 4000, ["u7"]))
    for on in (True, False, False, True) * 2:
        server.index_search(on)
        one = deliver(b, server, ("u7", 1), n, lambda: smtp_source(b, server, 8, n, 4000, ["u7"]))
        rates[on].append(one.value)
    server.index_search(True)
    each = ["/".join(f"{r:.0f}" for r in rates[on]) for on in (True, False)]
    return Result((statistics.median(rates[False]) / statistics.median(rates[True]) - 1) * 100, None,
                  note=f"messages/s with the index {each[0]}, without {each[1]}")


WORKLOADS = [
    Workload("deliver-one", "deliver 4 KB, 8 sessions, one mailbox, until visible", "msg/s", 10, deliver_one),
    Workload("deliver-four", "deliver 4 KB, 16 sessions, four mailboxes", "msg/s", 10, deliver_four),
    Workload("deliver-large", "deliver 1 MB, 4 sessions", "msg/s", 3, deliver_large),
    Workload("deliver-many", f"one message to {FAN_OUT} recipients", "copies/s", 20, deliver_many),
    Workload("deliver-index", "deliver 4 KB: slower by the search index", "%", AtMost(15), index_cost, 1),
    Workload("append", "APPEND 4 KB, LITERAL+ pipelined", "msg/s", 4, append),
]
