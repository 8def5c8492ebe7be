"""A POP3 mail program that deletes what it has seen, while mail arrives and its server is killed: what QUIT was answered +OK
for is gone for good, what it was not answered for is gone as a whole or not at all, and nothing else is."""
import re
import threading
import time

import model
from connection import Connection
from ledger import judge

IN_USE_S = 5 # so long a lock may outlive its session


class Pop3(Connection):
    def log_in(self, user, password):
        self.answer()
        self.cmd(f"USER {user}")
        self.cmd(f"PASS {password}")

    def line(self):
        return super().line().decode("latin1")

    def answer(self):
        line = self.line()
        if not line.startswith("+OK"):
            raise ValueError(line)
        return line

    def send(self, *commands):
        self.sock.sendall("".join(c + "\r\n" for c in commands).encode())

    def cmd(self, command):
        self.send(command)
        return self.answer()

    def lines(self):
        self.answer()
        out = []
        while (line := self.line()) != ".":
            out.append(line)
        return out

    def uidl(self):
        """{UIDL: message number}"""
        self.send("UIDL")
        return {unique: int(n) for n, unique in (line.split() for line in self.lines())}

    def subjects(self, wanted):
        self.send(*(f"TOP {n} 0" for n in wanted))
        return [next(m[1] for line in self.lines() if (m := re.match(r"Subject: (\S+)", line))) for _ in wanted]


class Pop3Actor(threading.Thread):
    def __init__(self, suite, account, random, wrongs, ledger, over):
        super().__init__()
        self.suite, self.account, self.random, self.wrongs, self.ledger, self.over = suite, account, random, wrongs, ledger, over
        self.there, self.gone, self.came = {}, set(), {}  # by UIDL
        self.quitting = set()  # deleted, QUIT sent, no answer
        self.acked = self.found_done = self.found_undone = self.looks = 0
        self.refused_since = None
        self.broken = None

    def wrong(self, kind, what):
        self.wrongs.add(kind, self.account, what)

    def look(self, pop, known):
        """`known`: from before the login, since a session sees what was there then."""
        listed = pop.uidl()
        self.looks += 1
        if self.quitting:
            left = self.quitting & listed.keys()
            if left and left != self.quitting:
                self.wrong("state", f"QUIT deleted {len(self.quitting - left)} of {len(self.quitting)} messages")
            self.found_undone += bool(left)
            self.found_done += not left
            self.dead(self.quitting - left)
            self.quitting = set()
        for unique in self.there.keys() - listed.keys():
            self.wrong("state", f"message {self.there[unique]} is gone")
            self.dead({unique})
        if back := self.gone & listed.keys():
            self.wrong("state", f"{len(back)} deleted messages are back")
        new = [u for u in listed if u not in self.there and u not in self.gone]
        for unique, subject in zip(new, pop.subjects([listed[u] for u in new])):
            number = int(model.ARRIVED.match(subject)[1])
            self.there[unique] = number
            self.came[number] = self.came.get(number, 0) + 1
        judge(self.wrongs, self.account, known, self.came, False)
        return listed

    def dead(self, uniques):
        self.gone |= uniques
        for u in uniques:
            self.there.pop(u, None)

    def session(self):
        known = self.ledger.known(self.account)
        pop = Pop3(self.suite.port(110), self.account, self.suite.password)
        self.refused_since = None
        try:
            listed = self.look(pop, known)
            doomed = {u for u in self.there if self.random.random() < 0.6}
            pop.send(*(f"DELE {listed[u]}" for u in doomed))
            for _ in doomed:
                pop.answer()
            if self.random.random() < 0.1:
                return # without QUIT nothing is deleted
            self.quitting = doomed
            pop.cmd("QUIT")
            self.dead(doomed)
            self.quitting = set()
            self.acked += 1 + len(doomed)
        finally:
            pop.close()

    def attempt(self, what):
        try:
            what()
            return True
        except (OSError, EOFError):
            pass
        except ValueError as e:
            if "IN-USE" not in str(e):
                self.wrong("refused", str(e))
            elif not self.refused_since:
                self.refused_since = time.monotonic()
            elif time.monotonic() - self.refused_since > IN_USE_S:
                self.wrong("refused", f"locked for {IN_USE_S} s: {e}")
        time.sleep(0.01)
        return False

    def run(self):
        try:
            while not self.over.is_set():
                self.attempt(self.session)
                time.sleep(0.05)
        except Exception as e:
            self.broken = e
            raise

    def last_look(self):
        known = self.ledger.known(self.account)
        pop = Pop3(self.suite.port(110), self.account, self.suite.password)
        try:
            self.look(pop, known)
            pop.cmd("QUIT")
        finally:
            pop.close()
