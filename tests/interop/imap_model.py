#!/usr/bin/env python3
"""Random clients on two shared mailboxes, each checked against a plain model of what it may have been told.

    imap_model.py HOST IMAP_PORT SMTP_PORT USER PASSWORD SECONDS CLIENTS SEED

Every client is a thread that sends random commands, one or several at once, and keeps the list of messages it has been
told of. Each untagged response must fit that list (RFC 3501 section 7): EXISTS never shrinks, an EXPUNGE comes only where
section 7.4.1 allows it, numbers lie in range, a UID never changes its place and never comes twice, the octets of a UID
never change, a client's own STORE is what it sees, COPYUID and APPENDUID give new UIDs (RFC 4315), and what a client
was told is gone is never sent again. In the end all clients and a new session agree on UIDs, flags and octets.
"""
import hashlib
import random
import re
import smtplib
import socket
import sys
import threading
import time

BOXES = ["INBOX", "Other"]
SYSTEM = ["\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "\\Draft"]
ROUND_S = 4
KEYWORDS = ["$one", "$two", "three"] + [f"k{i}" for i in range(20)]


class Wrong(Exception):
    pass


class Shared:
    """What all clients know together: a message's octets, by mailbox, UIDVALIDITY and UID, and every name's UIDVALIDITY."""

    def __init__(self):
        self.lock = threading.Lock()
        self.octets = {}
        self.validity = {}
        self.created = {box: set() for box in BOXES}  # UIDs that APPEND, COPY and MOVE gave
        self.removable = {box: set() for box in BOXES}  # UIDs that were moved away or had \\Deleted at some time
        self.source = {}  # what a copy was made of: it may have brought \\Deleted along
        self.errors = []

    def create(self, box, uids, removable):
        with self.lock:
            if self.created[box] & set(uids):
                raise Wrong(f"{box}: UIDs given twice: {self.created[box] & set(uids)}")
            self.created[box].update(uids)
            if removable:
                self.removable[box].update(uids)

    def may_be_gone(self, box, uid):
        """Asked when all is quiet: a client may see and copy a message before the one who made it has read that it did."""
        place = (box, uid)
        while place and place[1] not in self.removable[place[0]]:
            place = self.source.get(place)
        return place is not None

    def may_go(self, box, uids):
        with self.lock:
            self.removable[box].update(uids)

    def see(self, box, uid, data):
        digest = hashlib.sha256(data).hexdigest()
        with self.lock:
            if self.octets.setdefault((box, uid), digest) != digest:
                raise Wrong(f"the octets of {box} UID {uid} changed")

    def see_validity(self, box, n):
        with self.lock:
            if self.validity.setdefault(box, n) != n:
                raise Wrong(f"UIDVALIDITY of {box} was {self.validity[box]}, is {n}")


class Message:
    def __init__(self):
        self.uid = None
        self.flags = None  # without \Recent


class Client:
    def __init__(self, host, port, user, password, name, seed, shared):
        self.random, self.name, self.shared = random.Random(seed), name, shared
        self.sock = socket.create_connection((host, port), timeout=60)
        self.buffer, self.number, self.commands = b"", 0, 0
        self.trail = []  # the last lines, for the report
        self.box, self.read_only, self.messages, self.gone, self.recent = None, False, [], set(), 0
        self.named = set()  # flags in the last FLAGS response
        self.validity, self.next_uid = 0, 0
        self.pending = []  # [tag, command] in the order sent
        self.found = None
        self.line()
        self.do(f"LOGIN {user} {password}")

    # -- the wire ---------------------------------------------------------------------------------

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise Wrong("closed")
        self.buffer += data

    def line(self):
        """One response with its literals: (text with {n} for each literal, [literals])."""
        text, literals = b"", []
        while True:
            while b"\r\n" not in self.buffer:
                self.fill()
            part, self.buffer = self.buffer.split(b"\r\n", 1)
            if b"\n" in part or b"\r" in part or b"\0" in part:
                raise Wrong(f"bare line end or NUL in {part!r}")
            text += part
            m = re.search(rb"\{(\d+)\}$", part)
            if not m:
                self.trail = self.trail[-60:] + [text.decode("latin1")[:300]]
                return text.decode("latin1"), literals
            n = int(m[1])
            while len(self.buffer) < n:
                self.fill()
            literals.append(self.buffer[:n])
            self.buffer = self.buffer[n:]

    def send(self, text, literal=None):
        self.number += 1
        self.commands += 1
        tag = f"{self.name}x{self.number}"
        data = f"{tag} {text}".encode()
        if literal is not None:
            data += b" {%d+}\r\n" % len(literal) + literal
        self.trail = self.trail[-60:] + [f"C: {tag} {text}"]
        self.pending.append((tag, text))
        return data + b"\r\n"

    def finish(self):
        """Reads until the first pending command has its answer."""
        tag, text = self.pending[0]
        while True:
            line, literals = self.line()
            if line.startswith("* "):
                self.untagged(line[2:], literals, text)
            elif line.startswith("+ "):
                if text != "IDLE":
                    raise Wrong(f"continuation in {text}")
                return line
            else:
                if not line.startswith(tag + " "):
                    raise Wrong(f"answer to {tag} expected: {line}")
                self.pending.pop(0)
                return self.tagged(line[len(tag) + 1:], text)

    def do(self, text, literal=None):
        self.sock.sendall(self.send(text, literal))
        return self.finish()

    # -- the model --------------------------------------------------------------------------------

    def at(self, n, what):
        if not 1 <= n <= len(self.messages):
            raise Wrong(f"{what} {n} of {len(self.messages)}")
        return self.messages[n - 1]

    def untagged(self, line, literals, command):
        verb = command.split()[0]
        m = re.match(r"(\d+) (EXISTS|RECENT|EXPUNGE|FETCH)\b ?(.*)$", line, re.S)
        if m:
            if self.box is None and verb not in ("SELECT", "EXAMINE"):
                raise Wrong(f"{line} without a mailbox")
            n, kind = int(m[1]), m[2]
            getattr(self, "on_" + kind.lower())(n, m[3], literals, command)
        elif line.startswith("SEARCH"):
            if "SEARCH" not in command:
                raise Wrong(f"SEARCH in {command}")
            self.found = [int(x) for x in line.split()[1:]]
            self.check_found(command)
        elif m := re.match(r"FLAGS \((.*)\)$", line):
            self.named = set(m[1].lower().split())
        elif line.startswith("BYE") and verb != "LOGOUT":
            raise Wrong(line)
        elif m := re.match(r"OK \[(UIDVALIDITY|UIDNEXT|UNSEEN) (\d+)\]", line):
            if verb not in ("SELECT", "EXAMINE"):
                raise Wrong(f"{line} in {command}")
            if m[1] == "UIDVALIDITY":
                self.validity = int(m[2])
            elif m[1] == "UIDNEXT":
                self.next_uid = int(m[2])
            elif not 1 <= int(m[2]) <= len(self.messages):
                raise Wrong(f"{line} of {len(self.messages)}")
        elif m := re.match(r"OK \[COPYUID (\d+) (\S+) (\S+)\]", line):
            self.check_copyuid(m, command)
        elif m := re.match(r'STATUS "?(\w+)"? \((.*)\)', line):
            self.check_status(m)
        elif not re.match(r"(FLAGS \(|OK |CAPABILITY |LIST |NO |BYE )", line):
            raise Wrong(f"unknown response {line}")

    def on_exists(self, n, rest, literals, command):
        if n < len(self.messages):
            raise Wrong(f"EXISTS {n}, had {len(self.messages)}")
        self.messages += [Message() for _ in range(n - len(self.messages))]

    def on_recent(self, n, rest, literals, command):
        if n > len(self.messages) and self.messages:
            raise Wrong(f"RECENT {n} of {len(self.messages)}")
        self.recent = n

    def on_expunge(self, n, rest, literals, command):
        message = self.at(n, "EXPUNGE")
        # RFC 3501 section 7.4.1; UID FETCH, UID STORE and UID SEARCH may
        if command.split()[0] in ("FETCH", "STORE", "SEARCH"):
            raise Wrong(f"EXPUNGE in {command}")
        if len(self.pending) > 1 and any(t.split()[0] in ("FETCH", "STORE", "COPY", "MOVE") for _, t in self.pending[1:]):
            raise AssertionError("the test pipelines what it must not")
        if message.uid:
            self.gone.add(message.uid)
        del self.messages[n - 1]

    def on_fetch(self, n, rest, literals, command):
        message = self.at(n, "FETCH")
        m = re.search(r"\bUID (\d+)", rest)
        if m:
            self.place(n, int(m[1]))
        elif command.startswith("UID "):
            raise Wrong(f"no UID in FETCH {n} {rest} of {command}")
        m = re.search(r"\bFLAGS \(([^)]*)\)", rest)
        if m:
            flags = m[1].split()
            if len(set(flags)) != len(flags):
                raise Wrong(f"a flag twice: {rest}")
            unknown = {f.lower() for f in flags} - {"\\recent"} - self.named
            if unknown:
                raise Wrong(f"{unknown} in {rest}, before a FLAGS response named it")
            message.flags = frozenset(f.lower() for f in flags) - {"\\recent"}
        if "BODY[] {" in rest:
            size = re.search(r"RFC822\.SIZE (\d+)", rest)
            if size and int(size[1]) != len(literals[0]):
                raise Wrong(f"RFC822.SIZE {size[1]}, {len(literals[0])} octets")
            if message.uid:
                self.shared.see(self.box, message.uid, literals[0])

    def place(self, n, uid):
        message = self.messages[n - 1]
        if message.uid not in (None, uid):
            raise Wrong(f"message {n} was UID {message.uid}, is {uid}")
        if uid in self.gone:
            raise Wrong(f"UID {uid} was expunged")
        message.uid = uid
        before = [x.uid for x in self.messages[: n - 1] if x.uid]
        after = [x.uid for x in self.messages[n:] if x.uid]
        if (before and before[-1] >= uid) or (after and after[0] <= uid):
            raise Wrong(f"UID {uid} of message {n} out of order")

    def check_found(self, command):
        if len(set(self.found)) != len(self.found):
            raise Wrong("SEARCH gives a number twice")
        if not command.startswith("UID"):
            for n in self.found:
                self.at(n, "SEARCH")

    def check_status(self, m):
        items = dict(zip(m[2].split()[::2], map(int, m[2].split()[1::2])))
        self.status = items
        if "UIDVALIDITY" in items:
            self.shared.see_validity(m[1], items["UIDVALIDITY"])
        if items.get("UNSEEN", 0) > items.get("MESSAGES", 1 << 32):
            raise Wrong(f"STATUS {items}")

    def check_copyuid(self, m, text):
        def expand(s):
            out = []
            for part in s.split(","):
                lo, _, hi = part.partition(":")
                out += list(range(int(lo), int(hi or lo) + 1))
            return out

        source, target = expand(m[2]), expand(m[3])
        if len(source) != len(target) or target != sorted(set(target)):
            raise Wrong(f"COPYUID {m[2]} {m[3]} in {text}")
        box = text.split()[-1]
        self.shared.see_validity(box, int(m[1]))
        for a, b in zip(source, target):
            self.shared.create(box, [b], False)
            self.shared.source[(box, b)] = (self.box, a)
        if "MOVE" in text:
            self.shared.may_go(self.box, source)
        with self.shared.lock:
            for a, b in zip(source, target):
                was = self.shared.octets.get((self.box, a))
                if was and self.shared.octets.setdefault((box, b), was) != was:
                    raise Wrong(f"{self.box} {a} copied to {box} {b} is another message")

    def tagged(self, answer, text):
        status = answer.split()[0]
        if status == "BAD" or (status == "NO" and not self.may_fail(text, answer)):
            raise Wrong(f"{text}: {answer}")
        m = re.match(r"OK \[COPYUID (\d+) (\S+) (\S+)\]", answer)
        if m:
            self.check_copyuid(m, text)
        m = re.match(r"OK \[APPENDUID (\d+) (\d+)\]", answer)
        if m:
            self.shared.see_validity(text.split()[1], int(m[1]))
            self.shared.create(text.split()[1], [int(m[2])], "\\Deleted" in text)
        return answer

    def may_fail(self, text, answer):
        """A message expunged by another: RFC 2180 section 4. Writing in a mailbox opened by EXAMINE."""
        if "[READ-ONLY]" in answer:
            return self.read_only
        return "[EXPUNGEISSUED]" in answer and text.split()[0] in ("FETCH", "STORE", "COPY", "MOVE", "UID")

    # -- commands ---------------------------------------------------------------------------------

    def body(self):
        words = " ".join(self.random.choice(["apple", "pear", "plum"]) for _ in range(self.random.randint(1, 40)))
        return f"Subject: {self.name} {self.number} {self.random.random()}\r\n\r\n{words}\r\n".encode()

    def select(self):
        box = self.random.choice(BOXES)
        self.box, self.messages, self.gone = None, [], set()
        self.read_only = self.random.random() < 0.1
        self.do(f"{'EXAMINE' if self.read_only else 'SELECT'} {box}")
        self.box = box
        self.shared.see_validity(box, self.validity)
        selected = list(self.messages)
        if self.messages:
            self.do(self.random.choice(["FETCH 1:* (UID FLAGS)", "UID FETCH 1:* (FLAGS)"]))
            late = [m.uid for m in selected if m.uid and m.uid >= self.next_uid]
            if late:
                raise Wrong(f"UIDs {late} beyond UIDNEXT {self.next_uid}")

    def close(self):
        verb = self.random.choice(["CLOSE", "UNSELECT"])
        self.sock.sendall(self.send(verb))
        answer = self.finish()
        self.box, self.messages, self.gone = None, [], set()
        return answer

    def append(self):
        flags = " ".join(self.random.sample(SYSTEM + KEYWORDS, self.random.randint(0, 2)))
        self.do(f"APPEND {self.random.choice(BOXES)} ({flags})", self.body())

    def some(self):
        """A message set: (text, whether by UID, messages)."""
        n = len(self.messages)
        lo = self.random.randint(1, n)
        hi = min(n, lo + self.random.randint(0, 4))
        chosen = self.messages[lo - 1:hi]
        if self.random.random() < 0.5 and all(m.uid for m in chosen):
            return "UID ", ",".join(str(m.uid) for m in chosen), chosen
        return "", f"{lo}:{hi}", chosen

    def store(self):
        uid, numbers, chosen = self.some()
        sign = self.random.choice(["+", "-", ""])
        silent = self.random.choice(["", ".SILENT"])
        flags = self.random.sample(SYSTEM + KEYWORDS, self.random.randint(1, 2))
        if not all(m.uid for m in chosen):
            flags = ["\\Seen"]  # what may be expunged is kept account of by UID
        if "\\Deleted" in flags:
            self.shared.may_go(self.box, [m.uid for m in chosen])
        named = frozenset(f.lower() for f in flags)
        if silent and not self.read_only:
            for m in chosen:  # the server tells what does not come out like this
                if m.flags is not None:
                    m.flags = {"+": m.flags | named, "-": m.flags - named, "": named}[sign]
        answer = self.do(f"{uid}STORE {numbers} {sign}FLAGS{silent} ({' '.join(flags)})")
        if not silent and answer.startswith("OK") and not uid:
            for m in chosen:
                if m.flags is None:
                    raise Wrong(f"no FETCH for a message of STORE {numbers}")

    def fetch(self):
        uid, numbers, _ = self.some()
        items = self.random.choice(["(UID FLAGS)", "(UID BODY.PEEK[] RFC822.SIZE)", "(UID BODY[] FLAGS)", "(UID ENVELOPE BODYSTRUCTURE)",
                                    "FULL", "(UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])", "(UID BODY.PEEK[TEXT]<0.5> INTERNALDATE)"])
        self.do(f"{uid}FETCH {numbers} {items}")

    def search(self):
        keys = self.random.choice(["ALL", "UNSEEN", "DELETED", "BODY pear", "SUBJECT 1", "OR SEEN FLAGGED", "KEYWORD $one", "NOT DELETED",
                                   "LARGER 100", "1:*", "UID 1:*", "TEXT plum NOT SEEN"])
        self.do(f"{self.random.choice(['', 'UID '])}SEARCH {keys}")

    def transfer(self):
        uid, numbers, _ = self.some()
        verb = self.random.choice(["COPY", "COPY", "MOVE"])
        self.do(f"{uid}{verb} {numbers} {self.random.choice(BOXES)}")

    def expunge(self):
        known = [m.uid for m in self.messages if m.uid]
        if known and self.random.random() < 0.5:
            self.do("UID EXPUNGE " + ",".join(map(str, self.random.sample(known, min(3, len(known))))))
        else:
            self.do("EXPUNGE")

    def idle(self):
        self.sock.sendall(self.send("IDLE"))
        self.finish()
        tag, _ = self.pending[0]
        self.sock.settimeout(0.02 + self.random.random() * 0.1)
        try:
            while True:
                line, literals = self.line()
                if not line.startswith("* "):
                    raise Wrong(f"in IDLE: {line}")
                self.untagged(line[2:], literals, "IDLE")
        except socket.timeout:
            pass
        self.sock.settimeout(60)
        self.sock.sendall(b"DONE\r\n")
        self.finish()

    def pipeline(self):
        """Commands without sequence numbers that may go out at once (RFC 3501 section 5.5). STORE is not silent here: what the
        client may then believe depends on what comes before it."""
        texts = [self.random.choice(["NOOP", "UID FETCH 1:* (FLAGS)", "UID SEARCH UNSEEN", "STATUS Other (MESSAGES UNSEEN UIDVALIDITY)",
                                     "CHECK", "UID STORE 1:5 +FLAGS ($one)"]) for _ in range(self.random.randint(2, 5))]
        data = b""
        for text in texts:
            if self.read_only and "STORE" in text:
                continue
            if self.random.random() < 0.3:
                data += self.send(f"APPEND {self.random.choice(BOXES)} ()", self.body())
            data += self.send(text)
        cut = self.random.randint(0, len(data))
        self.sock.sendall(data[:cut])
        time.sleep(0.001)
        self.sock.sendall(data[cut:])
        while self.pending:
            self.finish()

    def step(self):
        pick = self.random
        if self.box is None:
            return pick.choice([self.select, self.select, self.append, lambda: self.do("STATUS INBOX (MESSAGES UNSEEN UIDVALIDITY RECENT UIDNEXT)")])()
        always = [self.append, self.idle, self.search, self.pipeline, self.expunge, lambda: self.do("NOOP"), lambda: self.do("CHECK"),
                  lambda: self.do('LIST "" * RETURN (STATUS (MESSAGES UIDVALIDITY))')]
        if pick.random() < 0.08:
            return self.close()
        if pick.random() < 0.08:
            return self.select()
        if not self.messages:
            return pick.choice(always)()
        return pick.choice(always + 2 * [self.store, self.fetch, self.transfer])()

    def state(self, box):
        """UIDs and flags, as this session sees them after a NOOP."""
        if self.box == box:
            self.do("NOOP")
        else:
            self.box, self.messages, self.gone, self.read_only = None, [], set(), False
            self.do(f"SELECT {box}")
            self.box = box
        told = len(self.messages)
        seen = [(m.uid, m.flags) for m in self.messages]
        if self.messages:
            self.do("FETCH 1:* (UID FLAGS)")
        if len(self.messages) != told:
            raise Wrong("the mailbox changes though nobody does anything")
        now = [(m.uid, m.flags) for m in self.messages]
        for (uid, flags), (uid_now, flags_now) in zip(seen, now):
            if (uid not in (None, uid_now)) or (flags is not None and flags != flags_now):
                raise Wrong(f"{box}: believed UID {uid} {flags}, is {uid_now} {flags_now}")
        return now


    def check_rest(self, box, now, others):
        """Nobody does anything any more: searches and counts are exact, and nothing was lost or made twice."""
        def numbers(test):
            return [n + 1 for n, (_, flags) in enumerate(now) if test(flags)]

        for key, test in [("ALL", lambda f: True), ("UNSEEN", lambda f: "\\seen" not in f), ("DELETED", lambda f: "\\deleted" in f),
                          ("KEYWORD $one NOT FLAGGED", lambda f: "$one" in f and "\\flagged" not in f)]:
            self.do(f"SEARCH {key}")
            if self.found != numbers(test):
                raise Wrong(f"{box}: SEARCH {key} gives {self.found}, not {numbers(test)}")
        self.do(f"STATUS {box} (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)")
        if self.status["MESSAGES"] != len(now) or self.status["UNSEEN"] != len(numbers(lambda f: "\\seen" not in f)):
            raise Wrong(f"{box}: STATUS {self.status}, {len(now)} messages")
        made = len(self.shared.created[box]) + others
        if self.status["UIDNEXT"] - 1 != made:
            raise Wrong(f"{box}: UIDNEXT {self.status['UIDNEXT']} after {made} messages were put there")
        lost = {uid for uid in set(range(1, made + 1)) - {uid for uid, _ in now} if not self.shared.may_be_gone(box, uid)}
        if lost:
            raise Wrong(f"{box}: UIDs {sorted(lost)[:20]} are gone, though nobody deleted or moved them")


def run(client, until):
    """Towards the end flags only change, and nobody asks for them: what a client then believes it was told unasked."""
    try:
        while time.monotonic() < until and not client.shared.errors:
            if client.box and client.messages and time.monotonic() > until - 0.7:
                client.random.choice([client.store, client.store, client.expunge, client.idle, lambda: client.do("NOOP")])()
            else:
                client.step()
    except Exception as e:  # whatever it was: this client is done, and so is the run
        client.shared.errors.append(f"{client.name}: {e!r}\n  " + "\n  ".join(client.trail[-25:]))


def deliver(host, port, user, until, seed, shared, count):
    pick, n = random.Random(seed), 0
    try:
        while time.monotonic() < until and not shared.errors:
            with smtplib.SMTP(host, port, "client.test", timeout=60) as s:
                for _ in range(pick.randint(1, 4)):
                    n += 1
                    s.sendmail("x@remote.test", [user], f"Subject: smtp {n}\r\n\r\npear {pick.random()}\r\n")
            time.sleep(pick.random() * 0.2)
    except Exception as e:
        shared.errors.append(f"smtp: {e!r}")
    count.append(n)


def compare(clients, fresh, shared, deliveries, left):
    """All rest: each client's belief against a new session's view."""
    def guarded(c, what, *args):
        try:
            return what(*args)
        except Exception as e:
            shared.errors.append(f"{c.name}: {e!r}\n  " + "\n  ".join(c.trail[-12:]))
            return None

    seen = [(c, c.box, guarded(c, c.state, c.box)) for c in clients if c.box]
    for box in BOXES:
        left[box] = guarded(fresh, fresh.state, box)
        if left[box] is None:
            return
        guarded(fresh, fresh.check_rest, box, left[box], deliveries if box == "INBOX" else 0)
        for c in [c for c, its, state in seen if its == box and state is not None and state != left[box]]:
            shared.errors.append(f"{c.name} sees another {box} than a new session")
        if left[box]:
            guarded(fresh, fresh.do, "UID FETCH 1:* (BODY.PEEK[] RFC822.SIZE)")
    guarded(fresh, fresh.do, "LOGOUT")


def main():
    host, imap_port, smtp_port, user, password, seconds, clients, seed = sys.argv[1:9]
    print(f"seed {seed}", flush=True)
    shared = Shared()
    new = [0]

    def client():
        new[0] += 1
        return Client(host, int(imap_port), user, password, f"c{new[0]}", f"{seed}.{new[0]}", shared)

    all_clients = [client() for _ in range(int(clients))]
    all_clients[0].do("CREATE Other")
    end = time.monotonic() + float(seconds)
    delivered, left = [], {}
    while time.monotonic() < end and not shared.errors:
        until = min(time.monotonic() + ROUND_S, end)
        threads = [threading.Thread(target=run, args=(c, until)) for c in all_clients]
        threads.append(threading.Thread(target=deliver, args=(host, int(smtp_port), user, until, f"{seed}.{until}", shared, delivered)))
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if not shared.errors:
            compare(all_clients, client(), shared, sum(delivered), left)
    for e in shared.errors:
        print(e)
    total = sum(c.commands for c in all_clients)
    print(f"{total} commands, {sum(delivered)} deliveries, {[len(v) for v in left.values()]} messages left, seed {seed}")
    sys.exit(1 if shared.errors else 0)


main()
