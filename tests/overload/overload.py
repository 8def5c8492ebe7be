#!/usr/bin/env python3
"""Overload: slow clients in every place, a pipeline without end, logins by the thousand. What a normal client sees of it is measured, and the memory that it costs."""
import os
import resource
import socket
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "attacks"))
from attack import HOST, LONG, OFFSET, PW, U1, Talk, check, end, greeting, memory  # noqa: E402
from clients import PLACES, normal, open_slow, trickle  # noqa: E402

PIDS = {n: int(os.environ["A_" + n]) for n in ("SMTPD", "POP3D", "IMAPD")}
SLOW = int(os.environ.get("SLOW", 2000 if LONG else 300))  # of each port
LIMIT_MS = float(os.environ.get("LIMIT_MS", 100))
MEMORY = 256 << 20  # max_memory of the suite: what each daemon may have
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


def slow():
    median, high, wrong = normal()
    check(f"alone, a normal client's commands take {median:.1f} ms, {high:.1f} ms at the 95th percentile", not wrong, wrong[:2])
    for place in PLACES:
        before = {n: memory(p) for n, p in PIDS.items()}
        socks = open_slow(place, SLOW if LONG else SLOW // len(PLACES))
        going = threading.Event()
        trickler = threading.Thread(target=trickle, args=(socks, going))
        trickler.start()
        median, high, wrong = normal()
        going.set()
        trickler.join()
        grown = sum(memory(p) for p in PIDS.values()) - sum(before.values())
        check(f"{len(socks)} clients slow {place}: a normal one's commands take {median:.1f} ms at the median, {high:.1f} ms at the 95th percentile; they cost {max(grown, 0) / len(socks) / 1024:.0f} KB each",
              not wrong and median < LIMIT_MS and grown / len(socks) < 100 * 1024, (wrong[:2], grown))
        for s in socks:
            s.close()


def pipelines():
    """A million commands in one go (a hundred thousand in the short form), of one connection for each protocol; the answers are counted."""
    n = 1000000 if LONG else 100000
    for port, command, wanted in ((25, b"NOOP\r\n", b"250 "), (110, b"NOOP\r\n", b"+OK"), (143, b"a NOOP\r\n", b"a OK")):
        t = greeting(port)
        if port == 25:
            t.smtp("EHLO c")
        elif port == 110:
            t.pop(f"USER {U1}")
            t.pop(f"PASS {PW}")
        else:
            t.imap(f"LOGIN {U1} {PW}")
        t.s.settimeout(60)
        threading.Thread(target=lambda: send_all(t, command * 10000, n // 10000), daemon=True).start()
        seen, tail, began = 0, b"", time.monotonic()
        try:
            while seen < n:
                d = t.s.recv(1 << 18)
                if not d:
                    break
                tail += d
                at = tail.rfind(b"\r\n") + 2
                seen += tail[:at].count(b"\r\n")
                bad = [x for x in tail[:at].split(b"\r\n")[:-1] if not x.startswith(wanted)][:1]
                tail = tail[at:]
                if bad:
                    tail = bad[0]
                    break
        except OSError:
            pass
        took = time.monotonic() - began
        # a server may end who says nothing useful, with a word (421); it does not forget to answer
        check(f"port {port}: a pipeline of {n:,} commands is answered: {seen:,} answers in {took:.1f} s", seen >= n or tail.startswith(b"421"), (seen, tail[:80]))
        t.close()


def send_all(t, octets, times):
    try:
        for _ in range(times):
            t.send(octets)
    except OSError:
        pass


def wrong_logins():
    """As many wrong logins as can be made in some seconds, from hundreds of addresses at once, which nobody holds back therefore. Who is logged in does not notice; who
    logs in meanwhile waits behind them, for each is hashed: that is measured, not judged."""
    seconds, tried, most = (10 if LONG else 2), [0], (10000 if LONG else 300)
    inside = greeting(143, source="127.0.0.3")
    inside.imap(f"LOGIN {U1} {PW}")
    inside.imap("SELECT INBOX")
    stop = time.monotonic() + seconds
    lock = threading.Lock()

    def guess(k):
        i = 0
        while time.monotonic() < stop and tried[0] < most:
            i += 1
            try:
                s = socket.create_connection((HOST, OFFSET + 143), timeout=10, source_address=(f"127.1.{k}.{i % 250 + 1}", 0))
                s.sendall(b"".join(b"a LOGIN u%d@example.test wrong\r\n" % i for _ in range(4)))
                with lock:
                    tried[0] += 1
                s.settimeout(0.02)
                try:
                    s.recv(4096)
                except OSError:
                    pass
                if i % 20 == 0:
                    time.sleep(0.01)
                s.close()
            except OSError:
                time.sleep(0.01)

    threads = [threading.Thread(target=guess, args=(k,)) for k in range(1, 17)]
    for x in threads:
        x.start()
    time.sleep(0.3)
    took, out = [], b""
    while time.monotonic() < stop:
        began = time.monotonic()
        out = inside.imap("STATUS INBOX (MESSAGES UIDNEXT)")
        took.append((time.monotonic() - began) * 1000)
        if b"t OK" not in out:
            break
        time.sleep(0.02)
    for x in threads:
        x.join()
    median = statistics.median(took)
    check(f"{tried[0] / seconds:.0f} connections a second with wrong logins: who is logged in waits {median:.1f} ms at the median, {max(took):.1f} ms at most", b"t OK" in out and median < LIMIT_MS, (out, took))
    began = time.monotonic()
    t = Talk(143, timeout=90, source="127.0.0.4")
    t.until(r"^\* ")
    out = t.imap(f"LOGIN {U1} {PW}")
    check(f"who logs in behind them is let in, after {time.monotonic() - began:.1f} s", b"t OK" in out, out)


def bound():
    for n, p in PIDS.items():
        m = memory(p, "VmHWM")
        check(f"{n.lower()} took {m >> 20} MB at most, of {MEMORY >> 20}", m < MEMORY, m)
    t = greeting(143)
    check("all serve", b"t OK" in t.imap("NOOP") and greeting(110).hello.startswith(b"+OK") and greeting(25).hello.startswith(b"220"))


for what in sys.argv[1:] or ("slow", "pipelines", "wrong_logins", "bound"):
    {"slow": slow, "pipelines": pipelines, "wrong_logins": wrong_logins, "bound": bound}[what]()
end()
