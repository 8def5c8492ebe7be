#!/usr/bin/env python3
"""The end of a stop: who holds on is cut after ten seconds (DRAIN_MS), nothing half-done stays, and a second signal ends it at once.

    stop_hard.py once|again      (environment: as the attackers of tests/attacks have it; A_RUN: the process that runs the daemons)"""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "attacks"))
from attack import PW, U1, check, end, greeting, log, messages  # noqa: E402
from slow_clients import IMAP, IMAPS, LMTP, NEVER_READ, POP3, POP3S, SMTP, SUBMISSION, SUBMISSIONS, Crowd, address, ports_of  # noqa: E402

RUN = int(os.environ["A_RUN"])
PIDS = {n: int(os.environ["A_" + n.upper()]) for n in ("smtpd", "pop3d", "imapd")}
DRAIN_S = 10  # common/net/server.c
SMTP_STOP_S = 8  # smtpd/smtp_session.h
EACH = 2
HOLD_ON = (SMTP, SUBMISSIONS, POP3, POP3S, IMAP, IMAPS)  # by never reading


def alive():
    return [n for n, p in PIDS.items() if os.path.exists(f"/proc/{p}")]


def held(place, network, ports):
    c = Crowd(place, EACH, lambda i: address(network, i), ports)
    c.go(20)
    check(f"{EACH} clients of each port are {place}: {', '.join(map(str, ports))}", c.arrived() == dict.fromkeys(ports, EACH), c.arrived())
    return c


class SlowReader:
    """Has a large message sent by POP3, and reads it within seconds: slow, but not for ever."""

    def __init__(self, seconds):
        self.t = greeting(POP3)
        self.t.pop(f"USER {U1}")
        self.t.pop(f"PASS {PW}")
        self.t.pop("RETR 1")
        self.t.s.setblocking(False)
        self.octets, self.rate, self.began, self.closed = self.t.buf, NEVER_READ / seconds, time.monotonic(), False

    def read(self):
        try:
            while not self.closed and len(self.octets) < (time.monotonic() - self.began) * self.rate:
                d = self.t.s.recv(4096)
                self.octets, self.closed = self.octets + d, not d
        except BlockingIOError:
            pass
        except OSError:
            self.closed = True


def fill():
    t = greeting(IMAP)
    t.imap(f"LOGIN {U1} {PW}")
    big = b"Subject: big\r\n\r\n" + (b"x" * 70 + b"\r\n") * (NEVER_READ // 72 + 1)
    t.send(b"b APPEND INBOX {%d+}\r\n" % len(big) + big + b"\r\n")
    t.until(r"^b ")
    t.imap("LOGOUT")
    t.close()


def once():
    fill()
    silent, receiving = held("never reading", 2, HOLD_ON), held("in DATA, or a literal", 3, (SMTP, SUBMISSION, SUBMISSIONS, LMTP))
    appending, shaking = held("in DATA, or a literal", 4, (IMAP, IMAPS)), held("in a TLS handshake", 5, ports_of("in a TLS handshake"))
    reader = SlowReader(DRAIN_S / 2)
    os.kill(RUN, signal.SIGTERM)
    began, handshakes, told, ended = time.monotonic(), None, None, {}
    while alive() and (now := time.monotonic() - began) < DRAIN_S + 5:
        for c in (silent, appending, receiving):
            if c:
                c.trickle(0.03)
        reader.read()
        if handshakes is None and now > 1:
            handshakes = shaking.ends()
        if told is None and now > SMTP_STOP_S + 0.7:
            told = receiving.ends()
            receiving.close()
            receiving = None
        for n in set(PIDS) - set(alive()):
            ended.setdefault(n, time.monotonic() - began)
    ended.update({n: time.monotonic() - began for n in PIDS if n not in ended})
    check("who is in a TLS handshake is let go at once", handshakes and handshakes.total() == EACH * len(ports_of("in a TLS handshake")), handshakes)
    check(f"who is in DATA, and does not come to its end in {SMTP_STOP_S} s, is told 421", told and told.total() == EACH * 4 and sum(b"421 4.3.2 " in last for _, last in told) == len(told), told)
    lines = reader.octets.split(b"\r\n")
    check("who reads slowly gets all of the message, and goodbye", len(reader.octets) > NEVER_READ and b"." in lines and lines[-2].startswith(b"-ERR [SYS/TEMP]") and reader.closed, reader.octets[-80:])
    for n, s in ended.items():
        check(f"{n} was there for {s:.1f} s, of {DRAIN_S}", DRAIN_S - 1 < s < DRAIN_S + 1.5, s)
    silent.close()
    appending.close()
    # silent ones of two ports of each daemon; imapd has those with half a literal, too
    for n, cut in (("smtpd", 2 * EACH), ("pop3d", 2 * EACH), ("imapd", 4 * EACH)):
        lines = [line for line in log().decode().splitlines() if f" {n} drain_ended" in line]
        check(f"{n} tells whom it has cut: {cut}", len(lines) == 1 and lines[0].endswith(f"connections_cut={cut}"), lines)


def again():
    check("the message that was there is, and none that was half", len(messages()) == 1, len(messages()))
    for port, good in ((SMTP, b"220 "), (POP3, b"+OK"), (IMAP, b"* OK")):
        out = greeting(port).hello
        check(f"port {port}: a new client is let in after the start", out.startswith(good), out)
    silent = held("never reading", 2, HOLD_ON)
    os.kill(RUN, signal.SIGTERM)
    time.sleep(0.5)
    first, began = alive(), time.monotonic()
    os.kill(RUN, signal.SIGTERM)
    while alive() and time.monotonic() < began + DRAIN_S:
        time.sleep(0.02)
    took = time.monotonic() - began
    silent.close()
    check(f"after the first signal who holds on is still there, the second ends it in {took:.1f} s", sorted(first) == sorted(PIDS) and took < 2, (first, took))


{"once": once, "again": again}[sys.argv[1]]()
end()
