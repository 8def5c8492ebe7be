"""The conversations whose power is cut: every act with the reply that promises it, and what must be there from then on.

An act's `after` is all mail of the suite: once the reply is on its way a power failure must leave exactly that. Before the
reply it may also be as before the act, or one of `also`, where an act is of several accounts or of several replies.
"""
import base64
import copy
import hashlib
import os
import re
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
from durable import Talk  # noqa: E402

LARGE = 100_000  # more than stands in a database: a file
BOXES = ("Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash")
BATCH = 3  # pipelined APPENDs
SETTLED_S = 1.5  # what nobody waits for is synced within a second


def message(mark, size=0):
    """As it is sent, without the final dot."""
    body = "".join(f"{mark} line {i}: so that a torn page shows\r\n" for i in range(max(2, size // 50)))
    return f"From: a@b.test\r\nTo: c@d.test\r\nSubject: {mark}\r\n\r\n{body}"


def body_hash(text):
    return hashlib.sha256(text.split("\r\n\r\n", 1)[1].encode()).hexdigest()


class Suite:
    """Where it listens, and who may log in."""

    def __init__(self, host, offset, u1, u2, password, command, run_dir):
        self.host, self.offset, self.u1, self.u2, self.password = host, int(offset), u1, u2, password
        self.command, self.run_dir = command, run_dir

    def tcp(self, port, greeting):
        t = Talk(socket.create_connection((self.host, port + self.offset), timeout=30))
        t.until(greeting)
        return t

    def imap(self, user):
        t = self.tcp(143, "* OK")
        t.ask(f"l1 LOGIN {user} {self.password}", "l1 OK")
        return t

    def smtp(self, port=25, user=None):
        t = self.tcp(port, "220")
        t.ask("EHLO x.test", "250 ")
        if user:
            t.ask("AUTH PLAIN " + base64.b64encode(f"\0{user}\0{self.password}".encode()).decode(), "235")
        return t

    def pillarbox(self, *arguments, text=""):
        subprocess.run([self.command[0], *self.command[1:], *arguments], input=text, text=True, check=True, stdout=subprocess.DEVNULL)


class Sink(threading.Thread):
    """A mail server for what leaves: refuses messages with "refused" in their Subject."""

    def __init__(self, host, port):
        super().__init__(daemon=True)
        self.listener = socket.create_server((host, port))
        self.taken = []

    def run(self):
        while True:
            s, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        f = s.makefile("rb")
        s.sendall(b"220 sink.test\r\n")
        while verb := f.readline()[:4].upper():
            if verb == b"DATA":
                s.sendall(b"354 go on\r\n")
                lines = []
                while (line := f.readline()) not in (b".\r\n", b""):
                    lines.append(line)
                subject = next((x for x in lines if x.startswith(b"Subject: ")), b"").strip()
                if b"refused" in subject:
                    s.sendall(b"550 5.7.1 not wanted\r\n")
                else:
                    self.taken.append(subject.decode())
                    s.sendall(b"250 2.0.0 taken\r\n")
            else:
                s.sendall(b"250-sink.test\r\n250 8BITMIME\r\n" if verb == b"EHLO" else b"250 2.0.0 Ok\r\n")


class Scenario:
    def __init__(self, suite):
        self.s = suite
        self.acts = []
        self.bodies = {}
        self.n = 0
        self.state = {"accounts": {}, "queue": []}
        for u in (suite.u1, suite.u2):
            self.add_account(u)
        self.first = self.seal()

    # -- the model

    def add_account(self, address):
        self.state["accounts"][address] = {"boxes": {b: [] for b in BOXES}, "subscribed": sorted(BOXES), "flagged": []}

    def boxes(self, user):
        return self.state["accounts"][user]["boxes"]

    def seal(self):
        """The state as it is compared: lists in order."""
        s = copy.deepcopy(self.state)
        for a in s["accounts"].values():
            for b in a["boxes"].values():
                b.sort()
            a["subscribed"].sort()
            a["flagged"].sort()
        s["queue"].sort()
        return s

    def act(self, name, group, reply, also=(), files=(), mark=None):
        """`reply`: a regular expression that finds it in what was sent since the last act's, or "exit". `files`: whose sync it waits for."""
        self.acts.append({"name": name, "group": group, "reply": reply, "after": self.seal(), "also": list(also), "files": list(files), "mark": mark})

    def new(self, mark, size=0):
        text = message(mark, size)
        self.bodies[mark] = body_hash(text)
        return text

    def with_change(self, change):
        """What the state would be after `change`, which is undone."""
        kept = self.state
        self.state = copy.deepcopy(kept)
        change()
        sealed, self.state = self.seal(), kept
        return sealed

    def wal(self, *users):
        """Accounts are numbered as they were added."""
        order = list(self.state["accounts"])
        return [f"accounts/{order.index(u) + 1}/mail.db-wal" for u in users]

    # -- mail that comes

    def envelope(self, t, users, sender="a@b.test"):
        t.ask(f"MAIL FROM:<{sender}>", "250")
        for u in users:
            t.ask(f"RCPT TO:<{u}>", "250")

    def hand_in(self, t, users, text):
        self.envelope(t, users)
        t.ask("DATA", "354")
        t.send(text + ".\r\n")
        return re.escape(t.until("250"))

    def deliver(self, mark, group, users, size=0):
        t = self.s.smtp()
        reply = self.hand_in(t, users, self.new(mark, size))
        # the accounts are independent of each other
        also = [self.with_change(lambda u=u: self.boxes(u)["INBOX"].append(mark)) for u in users] if len(users) > 1 else []
        for u in users:
            self.boxes(u)["INBOX"].append(mark)
        self.act(f"SMTP DATA, {len(users)} recipient{'s' * (len(users) > 1)}{', large' * (size > 0)}", group, reply, also, self.wal(*users), mark)
        t.ask("QUIT", "221")

    def deliver_in_chunks(self, mark):
        t = self.s.smtp()
        text = self.new(mark)
        self.envelope(t, [self.s.u1])
        t.send(f"BDAT {len(text) - 9}\r\n{text[:-9]}")
        t.until("250")
        t.send(f"BDAT 9 LAST\r\n{text[-9:]}")
        reply = re.escape(t.until("250"))
        self.boxes(self.s.u1)["INBOX"].append(mark)
        self.act("SMTP BDAT", "delivery", reply, [], self.wal(self.s.u1), mark)
        t.ask("QUIT", "221")

    def deliver_by_lmtp(self, mark):
        users = [self.s.u1, self.s.u2]
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(30)
        sock.connect(os.path.join(self.s.run_dir, "lmtp.sock"))
        t = Talk(sock)
        t.until("220")
        t.ask("LHLO x.test", "250 ")
        self.envelope(t, users)
        t.ask("DATA", "354")
        t.send(self.new(mark) + ".\r\n")
        replies = [re.escape(t.until("250")) for _ in users]
        both = self.with_change(lambda: [self.boxes(u)["INBOX"].append(mark) for u in users])
        second = self.with_change(lambda: self.boxes(users[1])["INBOX"].append(mark))
        for u, reply in zip(users, replies):
            self.boxes(u)["INBOX"].append(mark)
            self.act("LMTP DATA, each of 2 recipients", "lmtp", reply, [both, second] if u == users[0] else [], self.wal(u), mark)
            both = second = None
        t.ask("QUIT", "221")

    # -- IMAP

    def ask(self, t, command):
        self.n += 1
        t.ask(f"q{self.n} {command}", f"q{self.n} OK")
        return rf"(^|\n)q{self.n} OK"

    def append(self, t, user, box, mark, size=0):
        text = self.new(mark, size)
        reply = self.ask(t, f"APPEND {box} {{{len(text)}+}}\r\n{text}")
        self.boxes(user)[box].append(mark)
        self.act(f"APPEND{', large' * (size > 0)}", "append" if not size else "large append", reply, [], self.wal(user), mark)

    def append_pipelined(self, t, user, box):
        marks = [f"m-pipelined-{i}" for i in range(BATCH)]
        first = self.n + 1
        self.n += BATCH
        texts = [self.new(m) for m in marks]
        t.send("".join(f"q{first + i} APPEND {box} {{{len(x)}+}}\r\n{x}\r\n" for i, x in enumerate(texts)))
        for i in range(BATCH):
            t.until(f"q{first + i} OK")
        later = [self.with_change(lambda n=n: self.boxes(user)[box].extend(marks[:n])) for n in range(1, BATCH + 1)]
        for i, m in enumerate(marks):
            self.boxes(user)[box].append(m)
            self.act("APPEND, each of three pipelined", "pipelined append", rf"(^|\n)q{first + i} OK", later[i + 1:], self.wal(user), m)

    def append_many(self, t, user, box):
        marks = ["m-many-1", "m-many-2"]
        texts = [self.new(m) for m in marks]
        reply = self.ask(t, f"APPEND {box} " + " ".join(f"{{{len(x)}+}}\r\n{x}" for x in texts))
        self.boxes(user)[box] += marks
        self.act("APPEND of two messages", "multiappend", reply, [], self.wal(user), marks[1])

    def mail_program(self):
        u1, u2 = self.s.u1, self.s.u2
        t = self.s.imap(u1)
        boxes = self.boxes(u1)
        files = self.wal(u1)
        reply = self.ask(t, "CREATE box")
        boxes["box"] = []
        self.act("CREATE", "folders", reply, [], files)
        self.append(t, u1, "box", "m-appended")
        self.append(t, u1, "box", "m-appended-large", LARGE)
        self.append_pipelined(t, u1, "box")
        self.append_many(t, u1, "box")
        t.ask("s1 SELECT box", "s1 OK")

        reply = self.ask(t, "COPY 1:2 Trash")
        boxes["Trash"] += ["m-appended", "m-appended-large"]
        self.act("COPY", "copy", reply, [], files)
        reply = self.ask(t, "MOVE 1:2 Archive")
        boxes["Archive"] += ["m-appended", "m-appended-large"]
        boxes["box"] = [m for m in boxes["box"] if m not in boxes["Archive"]]
        self.act("MOVE", "move", reply, [], files)

        t.ask("s2 STORE 1 +FLAGS.SILENT (\\Flagged)", "s2 OK")
        reply = self.ask(t, "CHECK")
        self.state["accounts"][u1]["flagged"].append("m-pipelined-0")
        self.act("STORE and CHECK", "flags", reply, [], files)
        t.ask("s3 STORE 2 +FLAGS.SILENT (\\Deleted)", "s3 OK")
        reply = self.ask(t, "EXPUNGE")
        boxes["box"].remove("m-pipelined-1")
        self.act("EXPUNGE", "expunge", reply, [], files)
        t.ask("s4 STORE 2 +FLAGS.SILENT (\\Deleted)", "s4 OK")
        reply = self.ask(t, "CLOSE")
        boxes["box"].remove("m-pipelined-2")
        self.act("CLOSE that expunges", "expunge", reply, [], files)

        reply = self.ask(t, "RENAME box pit")
        boxes["pit"] = boxes.pop("box")
        self.act("RENAME", "folders", reply, [], files)
        subscribed = self.state["accounts"][u1]["subscribed"]
        reply = self.ask(t, "SUBSCRIBE pit")
        subscribed.append("pit")
        self.act("SUBSCRIBE", "folders", reply, [], files)
        reply = self.ask(t, "UNSUBSCRIBE pit")
        subscribed.remove("pit")
        self.act("UNSUBSCRIBE", "folders", reply, [], files)
        reply = self.ask(t, "DELETE pit")
        del boxes["pit"]
        self.state["accounts"][u1]["flagged"].clear()
        self.act("DELETE", "folders", reply, [], files)
        reply = self.ask(t, f"SETACL Archive {u2} lrswipkxte")
        self.act("SETACL", "folders", reply, [], files)
        t.ask("s9 LOGOUT", "s9 OK")

    def between_accounts(self):
        u1, u2 = self.s.u1, self.s.u2
        t = self.s.imap(u2)
        t.ask("s1 SELECT INBOX", "s1 OK")
        inbox = self.boxes(u2)["INBOX"]
        there = self.boxes(u1)["Archive"]
        first, large = inbox[0], inbox[-1]
        n = len(inbox)
        reply = self.ask(t, f'COPY 1,{n} "Other Users/{u1}/Archive"')
        there += [first, large]
        self.act("COPY to another account, one of two large", "copy between accounts", reply, [], self.wal(u1))
        reply = self.ask(t, f'MOVE 2,{n} "Other Users/{u1}/Archive"')
        moved = [inbox[1], large]
        both = self.with_change(lambda: self.boxes(u1)["Archive"].extend(moved))
        there += moved
        for m in moved:
            inbox.remove(m)
        self.act("MOVE to another account", "move between accounts", reply, [both], self.wal(u1, u2))
        t.ask("s9 LOGOUT", "s9 OK")

    # -- the others

    def pop3(self):
        u1 = self.s.u1
        t = self.s.tcp(110, "+OK")
        t.ask(f"USER {u1}", "+OK")
        t.ask(f"PASS {self.s.password}", "+OK")
        t.ask("DELE 1", "+OK")
        reply = re.escape(t.ask("QUIT", "+OK"))
        del self.boxes(u1)["INBOX"][0]
        self.act("POP3 QUIT after DELE", "pop3", reply, [], self.wal(u1))

    def new_account(self):
        u3 = "u3@" + self.s.u1.split("@")[1]
        self.s.pillarbox("account", "add", u3, "--password-stdin", text=self.s.password + "\n")
        self.add_account(u3)
        self.act("account add", "account", "exit", [], ["directory.db-wal"])
        self.deliver("m-first-of-new", "account", [u3])

    def submit(self, mark, size=0):
        t = self.s.smtp(587, self.s.u1)
        t.ask(f"MAIL FROM:<{self.s.u1}>", "250")
        t.ask("RCPT TO:<x@sink.test>", "250")
        t.ask("DATA", "354")
        t.send(self.new(mark, size).replace("a@b.test", self.s.u1) + ".\r\n")
        reply = re.escape(t.until("250"))
        self.state["queue"].append(["x@sink.test", mark])
        self.act(f"submission{', large' * (size > 0)}", "queue", reply, [], ["queue.db-wal"], mark)
        t.ask("QUIT", "221")

    def pause(self, verb):
        self.s.pillarbox("queue", verb, "sink.test")
        self.act(f"queue {verb}", "pause", "exit", [], ["queue.db-wal"])

    def queue(self, sink):
        self.pause("pause")
        for mark, size in (("m-sent", 0), ("m-sent-large", LARGE), ("m-refused", 0)):
            self.submit(mark, size)
        self.pause("resume")
        end = time.monotonic() + 20
        while time.monotonic() < end and not (len(sink.taken) == 2 and self.reported()):
            time.sleep(0.05)
        if len(sink.taken) != 2 or not self.reported():
            raise SystemExit(f"the queue has not been worked through: {sink.taken}")
        time.sleep(SETTLED_S)
        before = self.state["queue"]
        report = [self.s.u1, "report"]
        inbox = self.boxes(self.s.u1)["INBOX"]
        also = []
        for left in ([], ["m-sent"], ["m-sent-large"], ["m-sent", "m-sent-large"]):
            rest = [q for q in before if q[1] in left]
            # that the report is both in the queue and in the mailbox ends with a copy more, never with one less
            for queued, told in ((["x@sink.test", "m-refused"], 0), (report, 0), (report, 1), (None, 1)):
                def change(queued=queued, told=told, rest=rest):
                    self.state["queue"] = rest + ([queued] if queued else [])
                    self.boxes(self.s.u1)["INBOX"].extend(["report"] * told)
                also.append(self.with_change(change))
        self.state["queue"] = []
        inbox.append("report")
        # nobody waits for what was taken; it is on the disk within a second
        self.s.pillarbox("queue", "list")
        self.act("queue run: two taken, one refused", "queue run", "exit", also)

    def reported(self):
        t = self.s.imap(self.s.u1)
        t.send("r1 STATUS INBOX (MESSAGES)\r\n")
        line = t.until("* STATUS")
        t.until("r1 OK")
        t.ask("r2 LOGOUT", "r2 OK")
        return int(re.search(r"MESSAGES (\d+)", line)[1]) > len(self.boxes(self.s.u1)["INBOX"])

    def play(self, sink):
        u1, u2 = self.s.u1, self.s.u2
        self.deliver("m-one", "delivery", [u1])
        self.deliver("m-two", "delivery to two", [u1, u2])
        self.deliver_in_chunks("m-chunks")
        self.deliver_by_lmtp("m-lmtp")
        self.deliver("m-large", "large delivery", [u2], LARGE)
        self.mail_program()
        self.between_accounts()
        self.pop3()
        self.new_account()
        self.queue(sink)
        return {"first": self.first, "acts": self.acts, "bodies": self.bodies}
