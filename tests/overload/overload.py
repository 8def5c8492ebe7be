#!/usr/bin/env python3
"""Overload: slow clients in every place, a pipeline without end, logins by the thousand. What a normal client sees of it is measured, and the memory that it costs."""
import collections
import multiprocessing
import os
import resource
import select
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "attacks"))
from attack import HOST, LONG, OFFSET, PW, U1, Talk, check, end, greeting, memory, wait_for  # noqa: E402
from clients import PLACES, normal, one_normal, open_slow, summary, trickle  # noqa: E402

PIDS = {n: int(os.environ["A_" + n]) for n in ("SMTPD", "POP3D", "IMAPD")}
SLOW = int(os.environ.get("SLOW", 2000 if LONG else 300))  # at each daemon
LIMIT_MS = float(os.environ.get("LIMIT_MS", 100))
MEMORY = 256 << 20  # max_memory of the suite: what each daemon may have
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


def sockets():
    """Those that the daemons have open."""
    n = 0
    for p in PIDS.values():
        for fd in os.listdir(f"/proc/{p}/fd"):
            try:
                n += os.readlink(f"/proc/{p}/fd/{fd}").startswith("socket:")
            except OSError:  # closed meanwhile
                pass
    return n


def quick(median, high):
    return median < LIMIT_MS and (not LONG or high < LIMIT_MS)


def slow():
    """No limit ends anyone meanwhile: t_overload.sh gives ten minutes to log in, and all else waits for minutes."""
    at_rest = sockets()
    median, high, wrong = normal()
    check(f"alone, a normal client's commands take {median:.1f} ms, {high:.1f} ms at the 95th percentile", not wrong, wrong[:2])
    for place in PLACES:
        time.sleep(1.5)  # for the memory of passwords to be given back
        wait_for(lambda: sockets() <= at_rest)
        before, open_before = {n: memory(p) for n, p in PIDS.items()}, sockets()
        socks = open_slow(place, SLOW if LONG else SLOW // len(PLACES))
        going = threading.Event()
        trickler = threading.Thread(target=trickle, args=(socks, going))
        trickler.start()
        median, high, wrong = normal()
        going.set()
        trickler.join()
        there = sockets() - open_before
        grown = sum(memory(p) for p in PIDS.values()) - sum(before.values())
        check(f"{len(socks)} clients slow {place}: a normal one's commands take {median:.1f} ms at the median, {high:.1f} ms at the 95th percentile; they cost {max(grown, 0) / len(socks) / 1024:.0f} KB each",
              not wrong and quick(median, high) and grown / len(socks) < 100 * 1024, (wrong[:2], grown))
        few = there < 0.9 * len(socks)
        check(f"of them {there} are still there", not few, few and ends(socks))
        for s in socks:
            s.close()


def ends(socks):
    """The last words to those that were ended, and to how many."""
    seen = collections.Counter()
    for s in socks:
        last = b""
        try:
            while d := s.recv(1 << 16):
                last = d
        except BlockingIOError:
            continue
        except OSError as e:
            last = last or str(e).encode()
        seen[last[-80:]] += 1
    return seen.most_common(3)


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


def guesser(first, count, rate, seconds, report):
    """A process that makes `rate` wrong logins a second, each over a connection of its own, by turns from `count` addresses of as many networks, and hears every answer."""
    ep, waiting, told, sent, i = select.epoll(), {}, [0, 0, 0], 0, 0
    began = time.monotonic()
    while (now := time.monotonic()) < began + seconds + 1:
        while now < began + seconds and sent < (now - began) * rate:
            k, i, sent = first + i % count, i + 1, sent + 1
            s = socket.socket()
            s.setblocking(False)
            try:
                s.bind((f"127.{1 + k // 250}.{k % 250}.1", 0))
                s.connect((HOST, OFFSET + 143))
            except BlockingIOError:
                pass
            except OSError:
                s.close()
                continue
            waiting[s.fileno()] = [s, b""]
            ep.register(s.fileno(), select.EPOLLIN)
            now = time.monotonic()
        for fd, _ in ep.poll(0.005):
            s, seen = waiting[fd]
            try:
                d = s.recv(4096)
            except OSError:
                d = b""
            seen += d
            waiting[fd][1] = seen
            if d and seen.startswith(b"* OK") and b"\r\na " not in b"\r\n" + seen:
                try:
                    s.send(f"a LOGIN u{i}@example.test wrong{i}\r\n".encode())
                    continue
                except OSError:
                    d = b""
            if b"AUTHENTICATIONFAILED" in seen:
                told[0] += 1
            elif b"UNAVAILABLE" in seen:
                told[1] += 1
            else:
                told[2] += 1
            del waiting[fd]
            s.close()
    report.send((sent, told, len(waiting)))


def wrong_logins():
    """A thousand wrong logins a second from as many addresses, each in a network of its own (the short form: fewer). Meanwhile: who is logged in; logins whose password is remembered; and
    right ones that must be computed, each from a network of its own."""
    seconds, rate = (10, 1000) if LONG else (4, 300)
    fresh = [f"fresh{i}@example.test" for i in range(5 if LONG else 2)]
    for u in fresh:
        subprocess.run([os.environ["A_PILLARBOX"], "-c", os.environ["A_CONF"], "account", "add", u, "--password-stdin"], input=PW.encode() + b"\n", check=True, stdout=subprocess.DEVNULL)
    inside = greeting(143, source="127.200.0.1")
    inside.imap(f"LOGIN {U1} {PW}")
    inside.imap("SELECT INBOX")
    mine, theirs = multiprocessing.Pipe(False)
    flood = [multiprocessing.Process(target=guesser, args=(n * rate // 2, rate // 2, rate / 2, seconds, theirs)) for n in range(2)]
    for x in flood:
        x.start()
    stop = time.monotonic() + seconds
    time.sleep(seconds / 4)
    commands, cached, computed = [], [], []

    def login(user, source, took):
        began = time.monotonic()
        t = Talk(143, timeout=30, source=source)
        t.until(r"^\* ")
        out = t.imap(f"LOGIN {user} {PW}")
        took.append(((time.monotonic() - began) * 1000, out.split(b"\r\n")[0]))
        t.close()

    def log_in_anew():
        for n, u in enumerate(fresh):
            login(u, f"127.201.{n}.1", computed)
            time.sleep(seconds / 4 / len(fresh))

    others = threading.Thread(target=log_in_anew)
    others.start()
    while time.monotonic() < stop:
        began = time.monotonic()
        out = inside.imap("STATUS INBOX (MESSAGES UIDNEXT)")
        commands.append(((time.monotonic() - began) * 1000, out))
        login(U1, f"127.202.{len(cached) % 250}.1", cached)
        time.sleep(0.05)
    others.join()
    sums = [mine.recv() for _ in flood]
    for x in flood:
        x.join()
    sent = sum(x[0] for x in sums)
    wrong, busy, broken = (sum(x[1][n] for x in sums) for n in range(3))

    def judged(what, took, most):
        ms = [x[0] for x in took]
        check(f"{what}: {len(ms)} times, {statistics.median(ms):.0f} ms at the median, {max(ms):.0f} ms at most", statistics.median(ms) < most and not any(b"t OK" not in x[1] for x in took), took[:9])

    print(f"     {sent / seconds:.0f} wrong logins a second: {wrong} were told so, {busy} to try again later, {broken} ended otherwise, {sum(x[2] for x in sums)} still waited")
    judged("behind them, a command of who is logged in", commands, LIMIT_MS)
    judged("a new login with a password that is remembered", cached, LIMIT_MS)
    judged("a new login that must be computed, from a network of its own", computed, 2000)


def connector(seconds, report):
    """Connects and closes as fast as it can, at each port in turn; every other time with a reset."""
    made, stop = 0, time.monotonic() + seconds
    while time.monotonic() < stop:
        try:
            s = socket.create_connection((HOST, OFFSET + (25, 110, 143)[made % 3]), timeout=5, source_address=(f"127.9.{made % 250}.1", 0))
        except OSError:
            continue
        if made % 2:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
        made += 1
    report.send(made)


def connections():
    """Connections that are closed at once, as many as can be made."""
    seconds = 10 if LONG else 2
    mine, theirs = multiprocessing.Pipe(False)
    flood = [multiprocessing.Process(target=connector, args=(seconds, theirs)) for _ in range(2)]
    for x in flood:
        x.start()
    took, wrong, stop = [], [], time.monotonic() + seconds
    while time.monotonic() < stop:
        one_normal(took, wrong)
    made = sum(mine.recv() for _ in flood)
    for x in flood:
        x.join()
    median, high = summary(took)
    check(f"{made / seconds:.0f} connections a second, each closed at once: a normal client's commands take {median:.1f} ms at the median, {high:.1f} ms at the 95th percentile",
          not wrong and quick(median, high), wrong[:2])


def bound():
    for n, p in PIDS.items():
        m = memory(p, "VmHWM")
        check(f"{n.lower()} took {m >> 20} MB at most, of {MEMORY >> 20}", m < MEMORY, m)
    t = greeting(143)
    check("all serve", b"t OK" in t.imap("NOOP") and greeting(110).hello.startswith(b"+OK") and greeting(25).hello.startswith(b"220"))


for what in sys.argv[1:] or ("slow", "connections", "pipelines", "wrong_logins", "bound"):
    {"slow": slow, "connections": connections, "pipelines": pipelines, "wrong_logins": wrong_logins, "bound": bound}[what]()
end()
