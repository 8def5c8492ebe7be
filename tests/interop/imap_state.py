#!/usr/bin/env python3
"""Many IMAP sessions at once on one mailbox, each doing whatever comes to mind and keeping account of what it is told.

A session that is told of a sequence number that cannot be (RFC 3501 section 7.4.1), or of a UID that stood elsewhere, fails.
In the end all must have come to the same mailbox.      imap_state.py HOST PORT USER PASSWORD SECONDS SESSIONS SEED
"""
import random
import re
import socket
import sys
import threading
import time

MESSAGE = b"Subject: x\r\n\r\nhello\r\n"


class Wrong(Exception):
    pass


class Session:
    def __init__(self, host, port, user, password, name, seed):
        self.random = random.Random(seed)
        self.name, self.number, self.doing, self.commands = name, 0, "greeting", 0
        self.uids = []  # what the session was told: a UID or None for each sequence number
        self.sock = socket.create_connection((host, port), timeout=60)
        self.file = self.sock.makefile("rb")
        self.line()
        self.command(f"LOGIN {user} {password}")
        self.select()

    def line(self):
        line = self.file.readline()
        if not line:
            raise Wrong(f"closed in {self.doing}")
        literal = re.search(rb"\{(\d+)\}\r\n$", line)
        if literal:
            self.file.read(int(literal[1]))
            return line + self.file.readline()
        return line

    def take(self, line):
        m = re.match(rb"\* (\d+) (EXISTS|EXPUNGE|FETCH)(.*)", line, re.S)
        if line.startswith(b"* BYE"):
            raise Wrong(line)
        if not m:
            return
        n, have = int(m[1]), len(self.uids)
        if m[2] == b"EXISTS":
            if n < have:
                raise Wrong(f"EXISTS {n}, had {have}, in {self.doing}")
            self.uids += [None] * (n - have)
            return
        if not 1 <= n <= have:
            raise Wrong(f"{m[2]} {n} of {have} in {self.doing}")
        if m[2] == b"EXPUNGE":
            if self.doing.split()[0] in ("FETCH", "STORE", "SEARCH"):
                raise Wrong(f"EXPUNGE during {self.doing}")
            del self.uids[n - 1]
            return
        uid = re.search(rb"UID (\d+)", m[3])
        if uid:
            if self.uids[n - 1] not in (None, int(uid[1])):
                raise Wrong(f"message {n} was UID {self.uids[n - 1]}, now {uid[1]}, in {self.doing}")
            self.uids[n - 1] = int(uid[1])

    def until(self, tag):
        while True:
            line = self.line()
            if line.startswith(tag):
                return line
            self.take(line)

    def send(self, text, octets=b""):
        self.number += 1
        self.commands += 1
        self.doing = text
        tag = f"{self.name}.{self.number} ".encode()
        self.sock.sendall(tag + text.encode() + b"\r\n" + octets)
        return tag

    def command(self, text, octets=b""):
        line = self.until(self.send(text, octets))
        if line.split()[1] == b"BAD":
            raise Wrong(f"{text}: {line}")

    def select(self):
        self.uids = []
        self.command("SELECT INBOX")
        if self.uids:
            self.command("FETCH 1:* (UID FLAGS)")

    def idle(self):
        tag = self.send("IDLE")
        self.until(b"+")
        time.sleep(self.random.random() * 0.05)
        self.sock.sendall(b"DONE\r\n")
        self.until(tag)

    def step(self):
        pick, n = self.random, len(self.uids)
        one = pick.randint(1, n) if n else 0
        flag = pick.choice(["\\Seen", "\\Flagged", "\\Deleted", "\\Deleted"])
        always = [
            lambda: self.command("APPEND INBOX {21+}", MESSAGE + b"\r\n"),
            lambda: self.command("APPEND INBOX {21+}", MESSAGE + b"\r\n"),
            lambda: self.command("EXPUNGE"),
            lambda: self.command("SEARCH UNSEEN"),
            lambda: self.command("UID FETCH 1:* (FLAGS)"),
            lambda: self.command("STATUS INBOX (MESSAGES RECENT UNSEEN)"),
            lambda: self.command('LIST "" * RETURN (STATUS (MESSAGES))'),
            lambda: self.command("NOOP"),
            self.select,
            self.idle,
        ]
        with_messages = [
            lambda: self.command(f"STORE {one} {pick.choice('+-')}FLAGS ({flag} $k{pick.randint(1, 5)})"),
            lambda: self.command(f"STORE {one} +FLAGS.SILENT ({flag})"),
            lambda: self.command(f"UID STORE {self.uids[one - 1] or 1} +FLAGS (\\Deleted)"),
            lambda: self.command(f"FETCH {one}:{min(n, one + 20)} (UID FLAGS BODY.PEEK[])"),
            lambda: self.command(f"COPY {one} {pick.choice(['INBOX', 'Sent'])}"),
            lambda: self.command(f"MOVE {one} Trash"),
            lambda: self.command(f"FETCH 1:{n} (UID)"),
        ]
        pick.choice(always + with_messages if n else always)()


def run(session, seconds, wrong):
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            session.step()
    except Exception as e:  # whatever it was: the session is over
        wrong.append(f"{session.name}: {e!r}")


def main():
    host, port, user, password, seconds, count, seed = sys.argv[1:8]
    sessions = [Session(host, int(port), user, password, f"s{i}", f"{seed}.{i}") for i in range(int(count))]
    wrong = []
    threads = [threading.Thread(target=run, args=(s, float(seconds), wrong)) for s in sessions]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if not wrong:
        for s in sessions:
            s.command("NOOP")
            s.command("UID FETCH 1:* (FLAGS)")
        if any(s.uids != sessions[0].uids for s in sessions):
            wrong.append("the sessions do not agree in the end")
    for w in wrong:
        print(w)
    print(f"{sum(s.commands for s in sessions)} commands, {len(sessions[0].uids)} messages left, seed {seed}")
    sys.exit(1 if wrong else 0)


main()
