#!/usr/bin/env python3
"""Overload: slow clients in every place, a pipeline without end, connections and logins by the thousand. What a normal client sees of it is judged, the memory that it costs, and that it was there.

    overload.py [slow|connections|pipelines|wrong_logins|bound ...]

LONG=1: more of each. SLOW: slow clients of each port at each place. LIMIT_MS: of a normal client's commands."""
import collections
import multiprocessing
import os
import re
import resource
import select
import signal
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "attacks"))
from attack import HOST, LONG, OFFSET, PW, U1, Talk, check, end, greeting, memory, smtp, wait_for  # noqa: E402
from clients import normal, one_judged, summary  # noqa: E402
from slow_clients import LMTP, NEVER_READ, PLACES, PORTS, Crowd, address, auth, ports_of  # noqa: E402

PIDS = {n: int(os.environ["A_" + n]) for n in ("SMTPD", "POP3D", "IMAPD")}
MEMORY = int(os.environ["MEMORY_MB"]) << 20  # max_memory of the suite: what each daemon may have
SLOW = int(os.environ.get("SLOW") or (2000 if LONG else 60))
MANY = SLOW >= 300  # then the 95th percentile is held to the limit of the median
LIMIT_MS = float(os.environ.get("LIMIT_MS") or 100)
HIGH_MS = LIMIT_MS if LONG or MANY else 5 * LIMIT_MS  # at the 95th percentile: the machine may be at other things
SLOW_COST = 100 * 1024
CONNECTIONS_A_SECOND = 200  # a flood of fewer is none, however busy the machine
HELD = MEMORY // 16 * 3 // 2  # output that peers have not taken, of a daemon (common/net/server.c), and half as much for buffers that are not full
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


class Sockets:
    """The daemons' ends of connections, by port: how many there are, how many have output that does not go out, and how many input that nobody reads."""

    def __init__(self):
        self.open, self.unsent, self.unread = (collections.Counter() for _ in range(3))
        with open("/proc/net/tcp") as f:
            for line in list(f)[1:]:
                _, local, _, state, queues, *_ = line.split()
                port = int(local.split(":")[1], 16) - OFFSET
                if port in PORTS and state == "01":  # ESTABLISHED
                    unsent, unread = (int(n, 16) for n in queues.split(":"))
                    self.open[port] += 1
                    self.unsent[port] += unsent > 0
                    self.unread[port] += unread > 0


def quick(median, high):
    return median < LIMIT_MS and high < HIGH_MS


def own(pid):
    return memory(pid, "RssAnon")


def fill():
    """A message that is NEVER_READ octets at least, the first of INBOX; and each daemon knows the password, so that it is not computed again."""
    t = greeting(143)
    t.imap(f"LOGIN {U1} {PW}")
    big = b"Subject: big\r\n\r\n" + (b"x" * 70 + b"\r\n") * (NEVER_READ // 72 + 1)
    t.send(b"b APPEND INBOX {%d+}\r\n" % len(big) + big + b"\r\n")
    check("a large message is there", b"b OK" in t.until(r"^b "))
    t = greeting(110)
    t.pop(f"USER {U1}")
    t.pop(f"PASS {PW}")
    t = smtp(587)
    t.smtp(auth(U1).strip())
    time.sleep(1.5)  # for the memory of passwords to be given back


def crowd(place, ports, network, pipe):
    """A process of slow clients: tells how many have arrived, and is slow until it is told to end, or to tell before that whom of them the daemons ended."""
    c = Crowd(place, SLOW, lambda i: address(network, i), ports)
    c.go(300 if MANY else 30)
    pipe.send(c.arrived())
    while not pipe.poll():
        c.trickle(0.1)
    if pipe.recv() == "tell":
        pipe.send(c.ends())
    c.close()


def slow():
    """No limit ends anyone meanwhile: t_overload.sh gives ten minutes to log in, and all else waits for minutes."""
    fill()
    at_rest = sum(own(p) for p in PIDS.values())
    median, high, wrong = normal()
    check(f"alone, a normal client's commands take {median:.1f} ms, {high:.1f} ms at the 95th percentile", not wrong, wrong[:2])
    for place in PLACES:
        wait_for(lambda: not Sockets().open)
        slow_at(place, at_rest)


def slow_at(place, at_rest):
    """What a client costs is all that the daemons have more than at rest, with what they kept of the places before."""
    ports, crowds = ports_of(place), []
    for n in range(2 if MANY else 1):  # of more descriptors than a process may have
        mine, theirs = multiprocessing.Pipe()
        crowds.append((mine, multiprocessing.Process(target=crowd, args=(place, ports[n::2 if MANY else 1], 10 + n, theirs), daemon=True)))
        crowds[-1][1].start()
        theirs.close()  # who dies is heard of
    arrived = sum((mine.recv() for mine, _ in crowds), collections.Counter())
    all_of_them = dict.fromkeys(ports, SLOW)
    check(f"{SLOW} clients on each of the ports {', '.join(map(str, ports))} are slow {place}", arrived == all_of_them, arrived)
    median, high, wrong = normal(10 if MANY else 1.2)
    there = Sockets()
    grown, count = sum(own(p) for p in PIDS.values()) - at_rest, sum(arrived.values()) or 1
    bound_of_it = count * SLOW_COST + (len(PIDS) * HELD if place == "never reading" else 0)
    for mine, _ in crowds:
        mine.send("end" if there.open == all_of_them else "tell")
    ends = sum((mine.recv() for mine, _ in crowds), collections.Counter()) if there.open != all_of_them else None
    for _, process in crowds:
        process.join()
    check(f"beside them, a normal one's commands take {median:.1f} ms at the median, {high:.1f} ms at the 95th percentile; they cost {grown / count / 1024:.0f} KB each",
          not wrong and quick(median, high) and grown < bound_of_it, (wrong[:2], grown))
    check("and all of them are still there then", there.open == all_of_them, (there.open, ends and ends.most_common(3)))
    if place == "never reading":
        check("each of them keeps a daemon from sending, which reads no more from it then", there.unsent == all_of_them and there.unread == all_of_them, (there.unsent, there.unread))


def piper(port):
    """A session that may say NOOP, and what the answer to it begins with."""
    t = greeting(port)
    if port in (25, 587, LMTP):
        t.smtp("LHLO c" if port == LMTP else "EHLO c")
        return t, b"NOOP\r\n", b"250 "
    if port == 110:
        t.pop(f"USER {U1}")
        t.pop(f"PASS {PW}")
        return t, b"NOOP\r\n", b"+OK"
    t.imap(f"LOGIN {U1} {PW}")
    return t, b"a NOOP\r\n", b"a OK"


def pipelines():
    """A million commands in one go (a hundred thousand in the short form), of one connection for each protocol. No daemon has a limit of them: each is answered, once, and the session goes on."""
    n = 1000000 if LONG else 100000
    for port in (25, 587, LMTP, 110, 143):
        t, command, wanted = piper(port)
        t.s.settimeout(60)
        threading.Thread(target=lambda: send_all(t, command * 10000, n // 10000), daemon=True).start()
        seen, tail, began, bad = 0, b"", time.monotonic(), []
        try:
            while seen < n and not bad:
                d = t.s.recv(1 << 18)
                if not d:
                    break
                tail += d
                at = tail.rfind(b"\r\n") + 2
                lines, tail = tail[:at].split(b"\r\n")[:-1], tail[at:]
                seen += len(lines)
                bad = [x for x in lines if not x.startswith(wanted)][:1]
        except OSError as e:
            bad = [e]
        took = time.monotonic() - began
        more = t.rest(0.05)
        t.s.settimeout(20)
        t.send(command)
        after = t.until(b"^" + re.escape(wanted))
        check(f"port {port}: a pipeline of {n:,} commands is answered: {seen:,} answers in {took:.1f} s, and so is the next one", seen == n and not bad and not tail and more == (b"", None) and after,
              (seen, bad, tail[:80], more[0][:80], after))
        t.close()


def send_all(t, octets, times):
    try:
        for _ in range(times):
            t.send(octets)
    except OSError:
        pass


class Guesses:
    """Wrong logins, each over a connection of its own, by turns from `count` addresses of as many networks; every answer is heard."""

    def __init__(self, first, count):
        self.first, self.count, self.epoll, self.waiting = first, count, select.epoll(), {}
        self.told = collections.Counter(begun=0, sent=0, wrong=0, busy=0)

    def begin(self):
        k, n = self.first + self.told["begun"] % self.count, self.told["begun"]
        self.told["begun"] += 1
        s = None
        try:
            s = socket.socket()
            s.setblocking(False)
            s.bind((f"127.{1 + k // 250}.{k % 250}.1", 0))
            s.connect((HOST, OFFSET + 143))
        except BlockingIOError:
            pass
        except OSError:
            if s:
                s.close()
            self.told["not connected"] += 1
            return
        self.waiting[s.fileno()] = [s, b"", f"a LOGIN u{n}@example.test wrong{n}\r\n".encode()]
        self.epoll.register(s.fileno(), select.EPOLLIN)

    def hear(self, wait):
        for fd, _ in self.epoll.poll(wait):
            guess = self.waiting[fd]
            s, seen, said = guess
            try:
                d = s.recv(4096)
                guess[1] = seen = seen + d
                if said and seen.startswith(b"* OK") and seen.endswith(b"\r\n"):
                    guess[2] = b""
                    s.sendall(said)
                    self.told["sent"] += 1
                    continue
            except OSError:
                d = b""
            if d and not re.search(rb"^a .*\r\n", seen, re.M):
                continue
            answer = re.search(rb"^a NO \[(AUTHENTICATIONFAILED|UNAVAILABLE)\]", seen, re.M)
            self.told["otherwise: " + repr(seen[-60:]) if not answer else "wrong" if answer[1] == b"AUTHENTICATIONFAILED" else "busy"] += 1
            del self.waiting[fd]
            s.close()


def guesser(first, count, rate, seconds, more, report):
    """A process that makes `rate` of them a second, and hears the last answers `more` seconds later at most."""
    g, began = Guesses(first, count), time.monotonic()
    while (now := time.monotonic() - began) < seconds or g.waiting and now < seconds + more:
        while now < seconds and g.told["begun"] < now * rate:
            g.begin()
            now = time.monotonic() - began
        g.hear(0.005)
    report.send((dict(g.told), time.monotonic() - began - seconds))


def password_wait(before, now):
    """imapd lets passwords wait so long from now on, those that wait already too."""
    with open(os.environ["A_CONF"]) as f:
        text = f.read()
    if f"password_wait = {before}\n" not in text:
        raise ValueError("the configuration has no such password_wait")
    with open(os.environ["A_CONF"], "w") as f:
        f.write(text.replace(f"password_wait = {before}\n", f"password_wait = {now}\n"))
    os.kill(PIDS["IMAPD"], signal.SIGHUP)


def wrong_logins():
    """A thousand wrong logins a second from as many addresses, each in a network of its own (the short form: fewer). Meanwhile: who is logged in; logins whose password is remembered; and
    right ones that must be computed, each from a network of its own. The answers to wrong ones wait, the longer the more of them there were from there; each comes."""
    seconds, rate = (10, 1000) if LONG else (4, 300)
    fresh = [f"fresh{i}@example.test" for i in range(5 if LONG else 2)]
    for u in fresh:
        subprocess.run([os.environ["A_PILLARBOX"], "-c", os.environ["A_CONF"], "account", "add", u, "--password-stdin"], input=PW.encode() + b"\n", check=True, stdout=subprocess.DEVNULL)
    inside = greeting(143, source="127.200.0.1")
    inside.imap(f"LOGIN {U1} {PW}")
    inside.imap("SELECT INBOX")
    mine, theirs = multiprocessing.Pipe(False)
    flood = [multiprocessing.Process(target=guesser, args=(n * rate // 2, rate // 2, rate / 2, seconds, 60 if LONG else 20, theirs), daemon=True) for n in range(2)]
    for x in flood:
        x.start()
    theirs.close()  # who dies is heard of
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
        time.sleep(seconds / 4)  # by now each network of the flood has tried more than once; before that nobody can tell who is right
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
    if not LONG:
        password_wait("15s", "1s")  # the short form has no time to hear all that is waited for
    reports = [mine.recv() for _ in flood]
    for x in flood:
        x.join()
    if not LONG:
        password_wait("1s", "15s")
    told, after = sum((collections.Counter(x[0]) for x in reports), collections.Counter()), max(x[1] for x in reports)
    begun, sent, wrong, busy = (told.pop(k, 0) for k in ("begun", "sent", "wrong", "busy"))

    def judged(what, took, most, high_most):
        median, high = summary([x[0] for x in took])
        check(f"{what}: {len(took)} times, {median:.0f} ms at the median, {high:.0f} ms at the 95th percentile, {max(x[0] for x in took):.0f} ms at most",
              median < most and high < high_most and not any(b"t OK" not in x[1] for x in took), [(ms, out[:60]) for ms, out in took][:9])

    check(f"{sent / seconds:.0f} wrong logins a second, of {rate} intended", sent >= 0.8 * rate * seconds, (begun, told))
    check(f"{wrong} were told so, {busy} to try again later, {sent - wrong - busy} nothing of that kind; the last {after:.1f} s after the flood", wrong and wrong + busy >= 0.95 * sent, told.most_common(3))
    judged("behind them, a command of who is logged in", commands, LIMIT_MS, HIGH_MS)
    judged("a new login with a password that is remembered", cached, LIMIT_MS, 5 * LIMIT_MS)
    judged("a new login that must be computed, from a network of its own", computed, 2000, 5000)


def connector(seconds, report):
    """Connects and closes as fast as it can, at each port in turn; every other time with a reset."""
    made, refused, stop = 0, 0, time.monotonic() + seconds
    while time.monotonic() < stop:
        try:
            s = socket.create_connection((HOST, OFFSET + PORTS[made % len(PORTS)]), timeout=5, source_address=(address(9, made), 0))
        except OSError:
            refused += 1
            continue
        if made // len(PORTS) % 2:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
        made += 1
    report.send((made, refused))


def accepted():
    """By the daemons' own count."""
    out = subprocess.run([os.environ["A_PILLARBOX"], "-c", os.environ["A_CONF"], "status", "--prometheus"], stdout=subprocess.PIPE, check=True, text=True).stdout
    return sum(int(line.split()[1]) for line in out.splitlines() if line.startswith("pillarbox_connections_total{"))


def connections():
    """Connections that are closed at once, as many as can be made. CONNECTORS: how many processes make them."""
    seconds, before = 10 if LONG else 2, accepted()
    mine, theirs = multiprocessing.Pipe(False)
    flood = [multiprocessing.Process(target=connector, args=(seconds, theirs), daemon=True) for _ in range(int(os.environ.get("CONNECTORS") or 2))]
    for x in flood:
        x.start()
    theirs.close()  # who dies is heard of
    took, wrong, normals, stop = [], [], 0, time.monotonic() + seconds
    while time.monotonic() < stop:
        one_judged(took, wrong)
        normals += 3
    reports = [mine.recv() for _ in flood]
    for x in flood:
        x.join()
    made, refused = (sum(x[n] for x in reports) for n in range(2))
    counted = wait_for(lambda: (n := accepted() - before - normals) >= made and n) or accepted() - before - normals
    median, high = summary(took)
    check(f"{made / seconds:.0f} connections a second, each closed at once, {refused} refused: the daemons counted {counted} of {made}",
          made >= CONNECTIONS_A_SECOND * seconds and counted >= made and refused < made / 100, (made, refused, counted))
    check(f"beside them, a normal client's commands take {median:.1f} ms at the median, {high:.1f} ms at the 95th percentile", not wrong and quick(median, high), wrong[:2])


def bound():
    for n, p in PIDS.items():
        m = memory(p, "VmHWM")
        check(f"{n.lower()} took {m >> 20} MB at most, of {MEMORY >> 20}", m < MEMORY, m)
    t = greeting(143)
    check("all serve", b"t OK" in t.imap("NOOP") and greeting(110).hello.startswith(b"+OK") and greeting(25).hello.startswith(b"220"))


for what in sys.argv[1:] or ("slow", "connections", "pipelines", "wrong_logins", "bound"):
    {"slow": slow, "connections": connections, "pipelines": pipelines, "wrong_logins": wrong_logins, "bound": bound}[what]()
end()
