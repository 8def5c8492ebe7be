"""Many at once: the load under which commits share syncs, and what each acknowledgement of it promises.

A *place* is an account's mailbox or the queue. Each mark has, for each account (or the queue), the places it was
acknowledged to be in, one after the other; at any moment it is where the last reply said, or where the next one will say.
"""
import os
import random
import re
import threading

QUEUE = "the queue"


class Mixed:
    def __init__(self, scenario, messages):
        self.scenario, self.s, self.messages = scenario, scenario.s, messages
        self.lock = threading.Lock()
        self.moves = {}  # (mark, account or QUEUE) -> [(the line that tells, place)]

    def prepare(self):
        """Folders of the threads' own, and a queue that keeps what it gets."""
        s = self.scenario
        for user, box in ((self.s.u1, "x1"), (self.s.u2, "x2")):
            t = self.s.imap(user)
            reply = s.ask(t, f"CREATE {box}")
            s.boxes(user)[box] = []
            s.act("CREATE", "folders", reply, [], s.wal(user))
            t.ask("s9 LOGOUT", "s9 OK")
        s.pause("pause")

    def tell(self, mark, who, line, place):
        with self.lock:
            self.moves.setdefault((mark, who), []).append((line, place))

    def new(self, mark):
        with self.lock:
            return self.scenario.new(mark, random.Random(mark).choice([0, 0, 0, 2000, 30_000, 90_000]))

    def deliver(self, name, users):
        t = self.s.smtp()
        for n in range(self.messages):
            mark = f"x-{name}-{n}"
            to = users[:1 + n % len(users)]
            self.scenario.envelope(t, to)
            t.ask("DATA", "354")
            t.send(self.new(mark) + ".\r\n")
            line = t.until("250")
            for u in to:
                self.tell(mark, u, line, "INBOX")

    def submit(self, name):
        t = self.s.smtp(587, self.s.u1)
        for n in range(self.messages):
            mark = f"x-{name}-{n}"
            t.ask(f"MAIL FROM:<{self.s.u1}>", "250")
            t.ask("RCPT TO:<x@sink.test>", "250")
            t.ask("DATA", "354")
            t.send(self.new(mark).replace("a@b.test", self.s.u1) + ".\r\n")
            self.tell(mark, QUEUE, t.until("250"), QUEUE)

    def keep(self, name, user, box):
        """Appends, and moves the oldest one on."""
        t = self.s.imap(user)
        t.ask(f"{name}s SELECT {box}", f"{name}s OK")
        here = []
        for n in range(self.messages):
            mark = f"x-{name}-{n}"
            text = self.new(mark)
            self.tell(mark, user, t.ask(f"{name}a{n} APPEND {box} {{{len(text)}+}}\r\n{text}", f"{name}a{n} OK"), box)
            here.append(mark)
            if n % 2:
                self.tell(here.pop(0), user, t.ask(f"{name}m{n} MOVE 1 Sent", f"{name}m{n} OK"), "Sent")

    def play(self):
        u1, u2 = self.s.u1, self.s.u2
        jobs = [(self.deliver, "d1", [u1]), (self.deliver, "d2", [u2, u1]), (self.deliver, "d3", [u1, u2]), (self.submit, "q1"), (self.submit, "q2"),
                (self.keep, "k1", u1, "x1"), (self.keep, "k2", u2, "x2")]
        failed = []

        def run(work, *arguments):
            try:
                work(*arguments)
            except BaseException as e:
                failed.append(e)
                raise
        threads = [threading.Thread(target=run, args=j) for j in jobs]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if failed:
            raise SystemExit(f"the mixed load: {failed[0]}")
        return self.moves


class MixedJudge:
    """Which states are allowed at a point of the mixed load; `moves` as Mixed has them, `after` the state before it all."""

    def __init__(self, records, since, moves, after):
        self.after = after
        at = {}
        for r in records[since:]:
            if r.op == "send":
                for line in r.data.decode("latin-1").split("\r\n"):
                    at.setdefault(line, r.at)
        self.moves = {}
        for key, told in moves.items():
            missing = [line for line, _ in told if line not in at]
            if missing:
                raise SystemExit(f"a reply is not in the recording: {missing[0]}")
            self.moves[key] = [(at[line], place) for line, place in told]
        self.last = max(told[-1][0] for told in self.moves.values())

    def allowed(self, key, point):
        """Where a mark may be after record number `point`; None: nowhere."""
        told = self.moves[key]
        acked = sum(1 for at, _ in told if at <= point)
        places = {told[acked - 1][1] if acked else None}
        if acked < len(told):
            places.add(told[acked][1])
        return places

    def judge(self, state, point):
        wrong = []
        there = {}
        rest = {"accounts": {}, "queue": [q for q in state["queue"] if not q[1].startswith("x-")]}
        for _, mark in state["queue"]:
            there.setdefault((mark, QUEUE), []).append(QUEUE)
        for address, a in state["accounts"].items():
            rest["accounts"][address] = {**a, "boxes": {b: [m for m in marks if not m.startswith("x-")] for b, marks in a["boxes"].items()}}
            for box, marks in a["boxes"].items():
                for m in marks:
                    there.setdefault((m, address), []).append(box)
        if rest != self.after:
            wrong.append("what was there before the mixed load has changed")
        for key in self.moves:
            places = there.pop(key, [None])
            if len(places) != 1 or places[0] not in self.allowed(key, point):
                wrong.append(f"{key[0]} of {key[1]} is in {places}, may be in {self.allowed(key, point)}")
        stray = [k for k in there if k[0].startswith("x-")]
        if stray:
            wrong.append(f"nobody has sent {stray[:3]}")
        return wrong


def random_disk(disk, chance):
    """Some of what is not synced is missing, and the last write may be torn."""
    missing = frozenset(at for at in disk.unsynced if chance.random() < 0.5)
    written = [c for c in disk.unsynced.values() if c.kind == "write" and c.at not in missing]
    ways = written[-1].tears() if written else []
    return missing, (written[-1].at, chance.choice(ways)) if ways and chance.random() < 0.5 else None


FRAME = 24  # the head of a frame of the WAL, written by itself; octets 4 to 7: 0 but for the last frame of a commit


def find_commits(paths, records, mark):
    """{inode of a WAL: the record with which the commit that brought `mark` was written}."""
    needle = re.compile(re.escape(mark).encode() + rb"[ \r]")
    # of a large message in the queue the WAL has the file's name alone
    files = {paths.get(r.inode, "") for r in records if r.op == "write" and needle.search(r.data)}
    names = [os.path.basename(f) for f in files if f.startswith("queue/")]
    if names:
        needle = re.compile("|".join(names).encode())
    commits, last = {}, {}
    for r in records:
        if r.op != "write" or not paths.get(r.inode, "").endswith(("mail.db-wal", "queue.db-wal")):
            continue
        if len(r.data) == FRAME:
            last[r.inode] = r.data[4:8] != bytes(4)
            if last[r.inode] and r.inode in commits and commits[r.inode] is None:
                commits[r.inode] = r.at + 1  # its page follows
        elif r.inode not in commits and needle.search(r.data):
            commits[r.inode] = r.at if last.get(r.inode) else None
    return commits


def judge_group_syncs(paths, records, since, moves):
    """For each acknowledged message: its commit, then a sync of that file that begins after it and ends before the reply.
    Yields (mark, seen)."""
    ends = {r.a: r.at for r in records[since:] if r.op == "synced"}
    syncs = [(r.inode, r.at, ends[r.a]) for r in records[since:] if r.op == "sync" and r.a in ends]
    for (mark, who), told in moves.items():
        reply = told[0][0]
        commits = {i: at for i, at in find_commits(paths, records[since:reply], mark).items() if ("queue.db" in paths[i]) == (who == QUEUE)}
        yield mark, bool(commits) and all(at and any(f == i and at < b and e < reply for f, b, e in syncs) for i, at in commits.items())
