"""A user who submits mail that goes through the queue: to another server, which takes it or refuses it, with a report to be had
of either; and, held for a second, to a user of ours."""
import base64
import re
import socket
import threading
import time

KINDS = ("sent", "refused", "held")


class Submitter(threading.Thread):
    """Numbers k1, k2, …; `fate`: {number: (kind, acked, unsure)}."""

    def __init__(self, suite, account, held_for, over, pause_s):
        super().__init__()
        self.suite, self.account, self.held_for, self.over, self.pause_s = suite, account, held_for, over, pause_s
        self.fate, self.number = {}, 0
        self.file = self.sock = None
        self.broken = None

    def say(self, text, code):
        if text:
            self.sock.sendall(text.encode() + b"\r\n")
        while True:
            line = self.file.readline()
            if not line.endswith(b"\n"):
                raise EOFError("closed")
            if line[3:4] != b"-":
                break
        if line[:3] != code:
            raise ValueError(f"{text[:60]}: {line.decode('latin1')}")

    def connect(self):
        self.sock = socket.create_connection(("127.0.0.1", self.suite.port(587)), timeout=60)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.sock.makefile("rb")
        self.say("", b"220")
        self.say("EHLO submit.test", b"250")
        login = base64.b64encode(f"\0{self.account}\0{self.suite.password}".encode()).decode()
        self.say(f"AUTH PLAIN {login}", b"235")

    def close(self):
        if self.sock:
            self.file.close()
            self.sock.close()
        self.sock = None

    def submit(self, number, kind):
        to = {"sent": f"k{number}@sink.test", "refused": f"refused{number}@sink.test", "held": self.held_for}[kind]
        self.say(f"MAIL FROM:<{self.account}> ENVID=k{number} RET=HDRS" + (" HOLDFOR=1" if kind == "held" else ""), b"250")
        self.say(f"RCPT TO:<{to}> NOTIFY={'NEVER' if kind == 'held' else 'SUCCESS,FAILURE'}", b"250")
        self.say("DATA", b"354")
        text = f"From: <{self.account}>\r\nTo: <{to}>\r\nSubject: k{number}\r\n\r\nNumber {number}.\r\n.\r\n"
        self.sock.sendall(text.encode())
        self.fate[number] = (kind, 0, 1)
        self.say("", b"250")
        self.fate[number] = (kind, 1, 0)

    def one(self):
        if not self.sock:
            self.connect()
        self.number += 1
        self.submit(self.number, KINDS[self.number % len(KINDS)])

    def run(self):
        try:
            while not self.over.is_set():
                try:
                    self.one()
                    time.sleep(self.pause_s)
                except (OSError, EOFError):
                    self.close()
                    time.sleep(0.005)
            self.close()
        except Exception as e:
            self.broken = e
            raise

    # -- what must have come of it -----------------------------------------------------------------

    def judge(self, wrongs, sink_lines, reports, held):
        """`reports`, `held`: {number: how often there}. What goes to another server may go twice where a kill cut off the
        recording of its answer: then the first copy was the last of its connection."""
        taken, last = {}, {}
        for at, (connection, subject) in enumerate(sink_lines):
            last[connection] = at
            if m := re.match(r"k(\d+)$", subject):
                taken.setdefault(int(m[1]), []).append((at, connection))
        for number, (kind, acked, unsure) in self.fate.items():
            copies = taken.get(number, [])
            if kind == "sent" and len(copies) < acked:
                wrongs.add("lost", "sink", f"submission {number} was acknowledged and never sent")
            if any(last[c] != at for at, c in copies[:-1]):
                wrongs.add("doubled", "sink", f"submission {number} was sent {len(copies)} times")
            self.count(wrongs, "report", reports.get(number, 0), number, acked if kind != "held" else 0, unsure if kind != "held" else 0)
            self.count(wrongs, "held", held.get(number, 0), number, acked if kind == "held" else 0, unsure if kind == "held" else 0)

    def count(self, wrongs, what, n, number, acked, unsure):
        if n < acked:
            wrongs.add("lost", what, f"of submission {number}")
        elif n > acked + unsure:
            wrongs.add("doubled", what, f"of submission {number}: {n} times")
