#!/usr/bin/env python3
"""Many IMAP sessions at once on one mailbox, each doing whatever comes to mind and keeping account of what it is told.

    imap_state.py HOST IMAP_PORT SMTP_PORT USER PASSWORD SECONDS SESSIONS SEED

A session that is told of a sequence number that cannot be (RFC 3501 section 7.4.1), or of a UID that stood elsewhere, fails.
Mail arrives by SMTP all the while. Twice a second all pause: when the last command and the last delivery have their answers,
a NOOP must bring every session to the mailbox that a new session sees: the same UIDs in the same places, with the same flags.
"""
import random
import re
import smtplib
import socket
import sys
import threading
import time

ROUND_S = 0.5  # a view that missed something is right again after the next change: only at rest does it show
MESSAGE = b"Subject: x\r\n\r\nhello\r\n"


class Wrong(Exception):
    pass


class Session:
    def __init__(self, host, port, user, password, name, seed):
        self.random = random.Random(seed)
        self.name, self.number, self.doing, self.commands = name, 0, "greeting", 0
        self.uids = []  # what the session was told: a UID or None for each sequence number
        self.status = {}
        self.flags = {}  # of the last FETCH that gave them with the UID; without \Recent, which is each session's own
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
        status = re.match(rb"\* STATUS INBOX \((.*)\)", line)
        if status:
            words = status[1].decode().split()
            self.status = dict(zip(words[::2], map(int, words[1::2])))
        m = re.match(rb"\* (\d+) (EXISTS|EXPUNGE|FETCH)(.*)", line, re.S)
        if line.startswith(b"* BYE") and self.doing != "LOGOUT":
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
            flags = re.search(rb"FLAGS \(([^)]*)\)", m[3])
            if flags:
                self.flags[int(uid[1])] = sorted(set(flags[1].decode().split()) - {"\\Recent"})

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

    def at_rest(self):
        """All UIDs with their flags, when nobody does anything any more: a NOOP told of all there is."""
        self.command("NOOP")
        told = list(self.uids)
        self.flags = {}
        self.command("UID FETCH 1:* (FLAGS)")
        if len(told) != len(self.uids) or any(t not in (None, u) for t, u in zip(told, self.uids)):
            raise Wrong(f"after NOOP {told}, at rest {self.uids}")
        if sorted(self.flags) != self.uids:
            raise Wrong(f"flags of {sorted(self.flags)}, at rest {self.uids}")
        return [(uid, self.flags[uid]) for uid in self.uids]

    def check_counts(self, seen):
        """The sessions of a process share what they see, and could all be wrong: the counts are kept apart from it."""
        self.command("STATUS INBOX (MESSAGES UNSEEN DELETED UIDNEXT)")
        counts = {"MESSAGES": len(seen), "UNSEEN": sum("\\Seen" not in f for _, f in seen), "DELETED": sum("\\Deleted" in f for _, f in seen)}
        if any(self.status[k] != n for k, n in counts.items()) or any(uid >= self.status["UIDNEXT"] for uid, _ in seen):
            raise Wrong(f"STATUS {self.status}, seen {counts}: {seen}")


def run(session, seconds, wrong):
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            session.step()
    except Exception as e:  # whatever it was: the session is over
        wrong.append(f"{session.name}: {e!r}")


def deliver(host, port, user, pick, over, wrong, count):
    """One message after the other until `over`; each has its answer when this returns."""
    try:
        while not over.is_set():
            with smtplib.SMTP(host, port, "c.test", timeout=60) as smtp:
                smtp.sendmail("x@remote.test", [user], "Subject: in\r\n\r\nx\r\n")
            count.append(1)
            over.wait(pick.random() * 0.2)
    except Exception as e:
        wrong.append(f"smtp: {e!r}")


def difference(name, have, want):
    """What to trace when a session does not see what a new one does."""
    has, wants = dict(have), dict(want)
    flags = [f"UID {u}: {has[u]}, not {wants[u]}" for u in has if u in wants and has[u] != wants[u]]
    return (f"{name} sees {len(have)} messages, a new session {len(want)}; lacks UIDs {[u for u, _ in want if u not in has]},"
            f" has others {[u for u, _ in have if u not in wants]}, other flags {flags or 'none'}\n  {name}: {have}\n  new: {want}")


def compare(sessions, make_new, wrong):
    """First what the sessions see, then what a new one does, which commits when it is the first to be told of a message: the
    next commit puts right what is out of date."""
    seen = []
    for s in sessions:
        try:
            seen.append((s, s.at_rest()))
            s.check_counts(seen[-1][1])
        except Exception as e:
            wrong.append(f"{s.name}: {e!r}")
    new = make_new()
    want = new.at_rest()
    new.check_counts(want)
    wrong += [difference(s.name, have, want) for s, have in seen if have != want]
    new.command("LOGOUT")


def main():
    host, port, smtp_port, user, password, seconds, count, seed = sys.argv[1:9]

    def session(name):
        return Session(host, int(port), user, password, name, f"{seed}.{name}")

    sessions = [session(f"s{i}") for i in range(int(count))]
    wrong, delivered, rounds = [], [], 0
    mail_random = random.Random(seed)
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end and not wrong:
        rounds += 1
        over = threading.Event()
        threads = [threading.Thread(target=run, args=(s, ROUND_S, wrong)) for s in sessions]
        mail = threading.Thread(target=deliver, args=(host, int(smtp_port), user, mail_random, over, wrong, delivered))
        for t in [*threads, mail]:
            t.start()
        for t in threads:
            t.join()
        over.set()
        mail.join()
        if not wrong:
            compare(sessions, lambda: session(f"new{rounds}"), wrong)
    for w in wrong:
        print(w)
    print(f"{sum(s.commands for s in sessions)} commands, {rounds} rounds, {len(delivered)} deliveries, {len(sessions[0].uids)} messages left, seed {seed}")
    sys.exit(1 if wrong else 0)


main()
