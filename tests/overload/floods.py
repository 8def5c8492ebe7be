#!/usr/bin/env python3
"""Everybody who wants no mail, at once, until SIGTERM: clients slow in every place, connections without end, wrong logins, pipelines, literals of any size, garbage.

    floods.py [SEED]      (environment: as the attackers of tests/attacks have it; FLOOD: a factor of how much)

Each kind comes from a network of its own, so that a limit for one address does not end the flood at once; one address has more than its share. The suite may be killed
meanwhile. Says "ready", and in the end one line of JSON tells how much of each there was."""
import base64
import collections
import json
import os
import random
import signal
import socket
import ssl
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "attacks"))
from attack import HOST, OFFSET, PW, U1  # noqa: E402
from slow_clients import LMTP, PLACES, Crowd, address, ports_of  # noqa: E402

FLOOD = float(os.environ.get("FLOOD", 1))
SLOW = max(2, int(12 * FLOOD))  # of each port at a place
HOLD_S = 2  # how long slow clients stay
PORTS = (25, 587, 110, 143, 465, 993, 995)
TLS_PORTS = (465, 993, 995)
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: no FIN, no TIME-WAIT
GREEDY = "127.250.0.1"
HUGE = (b"a APPEND INBOX {4294967295}\r\n", b"a LOGIN {99999999999999999999}\r\n", b"a LOGIN {8000+}\r\n" + b"x" * 8000, b"a SELECT {2147483647+}\r\n", b"a UID FETCH " + b"1," * 30000,
        b"a SEARCH " + b"NOT " * 10000 + b"ALL\r\n", b"a LIST " + b"(" * 20000)
over = threading.Event()
counted = collections.Counter()


def connect(port, source):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    s.settimeout(5)
    s.bind((source, 0))
    s.connect((HOST, OFFSET + port))
    return s


def answers(s, seconds):
    """Reads and forgets, until the other side is silent for so long, or done."""
    s.settimeout(seconds)
    try:
        while s.recv(1 << 16):
            pass
    except OSError:
        pass


def slow(i, chance):
    place = list(PLACES)[i % len(PLACES)]
    crowd = Crowd(place, SLOW, lambda k: address(10 + i % 5, k), [p for p in ports_of(place) if p != LMTP])
    stop = time.monotonic() + HOLD_S
    while not over.is_set() and time.monotonic() < stop and crowd.advance(0.1):
        pass
    counted["slow clients"] += crowd.arrived().total()
    while not over.is_set() and time.monotonic() < stop:
        crowd.trickle(0.2)
    crowd.close()


def connections(i, chance):
    """A handful that say nothing, or half of a handshake, and go; and some more from somebody who has too many."""
    socks = []
    for k in range(int(40 * FLOOD) or 1):
        socks.append(connect(chance.choice(PORTS), address(20, i * 40 + k) if k % 4 else GREEDY))
        counted["connections"] += 1
    for s in socks:
        s.close()
    over.wait(0.1)


def wrong_logins(i, chance):
    user = f"u{chance.randrange(5)}@example.test"
    plain = base64.b64encode(f"\0{user}\0wrong{i}".encode())
    port, said = chance.choice(((143, f"a LOGIN {user} wrong{i}\r\n".encode()), (110, f"USER {user}\r\nPASS wrong{i}\r\n".encode()), (587, b"EHLO c\r\nAUTH PLAIN " + plain + b"\r\n")))
    s = connect(port, address(30, i))
    counted["wrong logins"] += 1
    s.sendall(said)
    answers(s, 0.05)
    s.close()
    over.wait(0.05 / FLOOD)


def pipelines(i, chance):
    port, said = chance.choice(((25, b"EHLO c\r\n" + b"NOOP\r\n" * 5000), (110, f"USER {U1}\r\nPASS {PW}\r\n".encode() + b"NOOP\r\n" * 5000), (143, f"a LOGIN {U1} {PW}\r\n".encode() + b"b NOOP\r\n" * 5000),
                                (25, b"EHLO c\r\n" + b"MAIL FROM:<a@b.test>\r\nRSET\r\n" * 2000), (143, b"b LOGIN x {3+}\r\nyyy\r\n" * 500)))
    s = connect(port, address(40, i))
    s.sendall(said)
    counted["piped commands"] += said.count(b"\r\n")
    answers(s, 0.2)
    s.close()
    over.wait(0.2)


def huge(i, chance):
    """Literals and arguments without measure, with a login and without one."""
    s = connect(143, address(50, i))
    if i % 2:
        s.sendall(f"a LOGIN {U1} {PW}\r\n".encode())
    s.sendall(chance.choice(HUGE))
    answers(s, 0.05)
    s.close()
    s = connect(25, address(50, i))
    s.sendall(f"EHLO c\r\nMAIL FROM:<a@b.test> SIZE=99999999999999999999\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<{U1}>\r\nBDAT 4294967295\r\n".encode() + b"x" * 200000)
    answers(s, 0.05)
    s.close()
    counted["huge literals"] += 2
    over.wait(0.1)


def garbage(i, chance):
    port = chance.choice(PORTS)
    s = connect(port, address(60, i))
    said = chance.randbytes(chance.randrange(1, 20000))
    if port in TLS_PORTS and i % 2:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        s = context.wrap_socket(s)
    elif i % 3 == 0:
        said = b"\r\n".join(said.split(b"\n")) + b"\r\n" * 20
    s.sendall(said)
    counted["octets of garbage"] += len(said)
    answers(s, 0.05)
    s.close()
    over.wait(0.05)


def go_on(what, seed):
    chance, i = random.Random(seed), 0
    while not over.is_set():
        i += 1
        try:
            what(i, chance)
        except OSError:  # refused, reset, or the daemon was killed
            counted["broken off"] += 1
            over.wait(0.02)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    print("ready", flush=True)
    began = time.monotonic()
    threads = [threading.Thread(target=go_on, args=(what, seed)) for what in (slow, connections, wrong_logins, pipelines, huge, garbage)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print(json.dumps({**counted, "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main()
