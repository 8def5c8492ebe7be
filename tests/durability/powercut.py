"""Cuts the power at every point of a recording, and looks at what a store makes of what was left (see powercut.sh).

    powercut.py base SUITE                       remembers the data directory as it is
    powercut.py talk SUITE ...                   converses; the replies and what they promise into SUITE/powercut.acts
    powercut.py judge SUITE READER [LONG]        prints "ok …" and "FAIL …" lines
"""
import collections
import multiprocessing
import os
import pickle
import random
import re
import shutil
import sys
import tempfile
import time

import powercut_log
from powercut_disk import Disk
from powercut_image import Images, state_of
from powercut_mixed import Mixed, MixedJudge, judge_group_syncs, random_disk
from powercut_talk import Scenario, Sink, Suite

# Every variant at every point of these; of the others a few at every point, or all with LONG.
WHOLE = ("delivery", "large delivery", "append", "move", "queue", "queue run", "copy between accounts")
SHOWN = 8  # failures that are printed
SAMPLED, SAMPLED_LONG = (8, 1), (400, 4)  # points of the mixed load, and random disks at each


# -- what may be left at a point

def variants(disk, record, whole, long):
    """(name, changes that are missing, torn)"""
    names = frozenset(at for at, c in disk.unsynced.items() if c.kind == "names")
    everything = frozenset(disk.unsynced)
    yield "all", frozenset(), None
    yield "none", everything, None
    if names and names != everything:
        yield "names only", everything - names, None
        yield "octets only", names, None
    last = disk.unsynced.get(record.at)
    if last and last.kind == "write" and (long or not is_trace(last)):
        for pieces in last.tears()[:None if whole else 1]:
            yield f"torn {pieces}", frozenset(), (last.at, pieces)
    # what became of mail is told without a promise, and gets its turns with LONG
    if whole and (long or not is_trace(last)):
        for at, c in disk.unsynced.items():
            if long or not is_trace(c):
                yield f"without {at}", frozenset([at]), None


def is_trace(change):
    return change is not None and change.file is not None and change.file.path.startswith("trace.db")


# -- which replies stand where

def find_replies(records, acts):
    """The position of each act's reply."""
    places, at = [], 0
    for act in acts:
        if act["reply"] == "exit":
            found = (r for r in records[at:] if r.op == "exit" and r.path == "pillarbox")
        else:
            pattern = re.compile(act["reply"].encode())
            found = (r for r in records[at:] if r.op == "send" and pattern.search(r.data))
        reply = next(found, None)
        if reply is None:
            raise SystemExit(f"the reply of {act['name']} is not in the recording: {act['reply']}")
        places.append(reply.at)
        # replies that are sent together stand in one record
        at = reply.at + (act["reply"] == "exit")
    return places


class Judge:
    """Of the points with `share` of `shares`; of the mixed load `sampled` points, and as many disks at each."""

    def __init__(self, base, records, script, places, reader, where, log, share=0, shares=1, whole=WHOLE, mixed=None, sampled=(0, 0), seed=0):
        self.disk, self.records, self.places = base, records, places
        self.acts, self.bodies, self.first = script["acts"], script["bodies"], script["first"]
        self.images = Images(reader, where, log)
        self.share, self.shares, self.whole = share, shares, whole
        self.mixed, self.disks, self.chance = mixed, sampled[1], random.Random(f"{seed} {share}")
        self.quiet = mixed.last if mixed else len(records)  # from here on the suite only stops

        def rate(first, last):
            changes = sum(1 for r in records[first:last] if r.op not in ("send", "sync", "exit"))
            return sampled[0] / max(1, changes) / shares
        self.rates = {"mixed load": rate(places[-1], self.quiet), "stop": rate(self.quiet, len(records))}
        self.counts = collections.Counter()
        self.points = collections.Counter()
        self.failures = []
        self.owner = {}  # (account, mailbox, uidvalidity, uid) -> message
        self.given = {}  # account -> the highest UIDNEXT of INBOX, MODSEQ, UIDVALIDITY

    def run(self, stop_at_first=False):
        done, point = 0, 0
        for r in self.records:
            changed = self.disk.apply(r)
            before = done
            while done < len(self.places) and r.at == self.places[done]:
                done += 1
            if not changed and done == before:
                continue
            point += 1
            if r.at > self.places[-1]:
                group = "stop" if r.at > self.quiet else "mixed load"
                if self.chance.random() < self.rates[group]:
                    self.judge_mixed(r, group)
            elif point // 16 % self.shares == self.share:
                # a reply belongs to the act that it ends
                self.judge_point(r, done, self.acts[done - 1 if done > before else done]["group"])
            if stop_at_first and self.failures:
                break
        self.images.close()
        return self

    def allowed(self, done):
        states = [self.acts[done - 1]["after"] if done else self.first]
        if done < len(self.acts):
            states += [self.acts[done]["after"], *self.acts[done]["also"]]
        return states

    def judge_mixed(self, record, group):
        self.points[group] += 1
        disks = list(variants(self.disk, record, False, False))
        disks += [("some", *random_disk(self.disk, self.chance)) for _ in range(self.disks)]
        for name, missing, torn in disks:
            self.counts[group] += 1
            found = self.images.look(self.disk, missing, torn)
            state, wrong = state_of(found, self.bodies)
            wrong += self.mixed.judge(state, record.at) + self.judge_numbers(found, name == "all")
            if wrong:
                self.fail(group, record, f"{name} (without {sorted(missing)}, torn {torn})" if name == "some" else name, wrong)

    def fail(self, what, record, disk, wrong):
        self.failures.append(f"{what}: power cut after {record}, {disk}: {'; '.join(wrong[:3])}")

    def judge_point(self, record, done, group):
        self.points[group] += 1
        allowed = self.allowed(done)
        for name, missing, torn in variants(self.disk, record, self.whole is None or group in self.whole, self.whole is None):
            self.counts[group] += 1
            found = self.images.look(self.disk, missing, torn)
            state, wrong = state_of(found, self.bodies)
            if state not in allowed:
                wrong.append(self.difference(state, allowed))
            wrong += self.judge_numbers(found, name == "all")
            if wrong:
                self.fail(f"{group}: {self.acts[min(done, len(self.acts) - 1)]['name']}", record, name, wrong)

    def difference(self, state, allowed):
        """In a few words: how it differs from the state before, or from the one the reply promised."""
        def flat(s):
            rows = {("queue", *q) for q in s["queue"]}
            for address, a in s["accounts"].items():
                rows.add((address,))
                for box, marks in a["boxes"].items():
                    rows.add((address, box))
                    rows |= {(address, box, m, i) for i, m in enumerate(marks)}
                rows |= {(address, "subscribed", b) for b in a["subscribed"]} | {(address, "flagged", m) for m in a["flagged"]}
            return rows
        have = flat(state)
        nearest = min((flat(a) for a in allowed), key=lambda a: len(a ^ have))
        return f"missing {sorted(nearest - have, key=str)[:3]}, too much {sorted(have - nearest, key=str)[:3]}"

    def judge_numbers(self, found, is_all):
        """No UID ever means another message, and nothing that can have been given out is given out again."""
        wrong = []
        for number, x in found.items():
            if not number.isdigit() or x.problems:
                continue
            validity = {i: m.uidvalidity for i, m in x.mailboxes.items()}
            for m in x.messages:
                key = (number, m.mailbox, validity[m.mailbox], m.uid)
                if self.owner.setdefault(key, m.whole) != m.whole:
                    wrong.append(f"account {number}: UID {m.uid} of mailbox {m.mailbox} was another message")
            if is_all:
                inbox = next(m for m in x.mailboxes.values() if m.name == "INBOX")
                now = (inbox.uidnext, max(m.modseq for m in x.mailboxes.values()), max(validity.values()))
                was = self.given.get(number, (0, 0, 0))
                self.given[number] = tuple(max(a, b) for a, b in zip(now, was))
            uidnext, modseq, uidvalidity = self.given.get(number, (0, 0, 0))
            if x.probe and (x.probe[0] < uidnext or x.probe[1] <= modseq or x.probe[2] <= uidvalidity):
                wrong.append(f"account {number}: UID, MODSEQ, UIDVALIDITY {x.probe} may have been given out before: {self.given[number]}")
        return wrong


# -- a sync before each reply

def inode_paths(base, records):
    """{inode: path below the data directory} of all files there ever were."""
    at = {node: path for path, node in base.paths.items()}
    found = {inode: at[node][len(base.top) + 1:] for inode, node in base.nodes.items() if node is not base.root}
    for r in records:
        if r.op in ("create", "link") and r.path.startswith(base.top + "/"):
            found[r.inode] = r.path[len(base.top) + 1:]
    return found


def judge_syncs(base, records, acts, places):
    """(act, file, seen) for each file that an act's reply waits for. Seen: a write to it, of the mark where there is one,
    then a sync of it that begins and ends before the reply."""
    paths = inode_paths(base, records)
    since = 0
    for i, (act, until) in enumerate(zip(acts, places)):
        if i and places[i - 1] < until:
            since = places[i - 1]  # of replies that are sent together the first has the others' span, too
        for file in act["files"]:
            marked, written, begun, synced = act["mark"] is None, False, set(), False
            for r in records[since:until]:
                if r.op == "write":
                    marked |= act["mark"] is not None and act["mark"].encode() in r.data
                if paths.get(r.inode) == file:
                    written |= marked and r.op == "write"
                    if r.op == "sync" and written:
                        begun.add(r.a)
                    synced |= r.op == "synced" and r.a in begun
            yield act["name"], file, synced


# -- the whole

class Run:
    def __init__(self, suite, reader, long):
        self.suite, self.reader, self.long = suite, reader, long
        self.records = powercut_log.read(f"{suite}/powercut.log")
        with open(f"{suite}/powercut.acts", "rb") as f:
            self.script = pickle.load(f)
        self.places = find_replies(self.records, self.script["acts"])
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.last = self.places[-1]
        self.mixed = MixedJudge(self.records, self.last, self.script["moves"], self.script["acts"][-1]["after"])
        self.seed = int(os.environ.get("SEED") or time.time_ns() % 1_000_000)
        self.images = tempfile.mkdtemp(prefix="pillarbox-powercut.", dir=memory)

    def base(self):
        with open(f"{self.suite}/powercut.base", "rb") as f:
            return pickle.load(f)

    def judge(self, name, **how):
        return Judge(self.base(), self.records, self.script, self.places, self.reader, f"{self.images}/{name}", f"{self.suite}/powercut.{name}.log", **how)

    def part(self, share):
        shares = os.cpu_count() or 1
        sampled = (SAMPLED_LONG if self.long else SAMPLED)
        j = self.judge(str(share), share=share, shares=shares, whole=None if self.long else WHOLE, mixed=self.mixed, sampled=sampled, seed=self.seed).run()
        return j.counts, j.points, j.failures, j.images.asked

    def say(self, good, text):
        print(f"{'ok' if good else 'FAIL'} {text}", flush=True)

    def everything(self):
        """Every point of the acts."""
        with multiprocessing.Pool() as pool:
            parts = pool.map(self.part, range(os.cpu_count() or 1))
        counts, points = sum((p[0] for p in parts), collections.Counter()), sum((p[1] for p in parts), collections.Counter())
        failures = [f for p in parts for f in p[2]]
        for f in failures[:SHOWN]:
            self.say(False, f)
        for group in counts:
            how = "every single write missing" if self.long or group in WHOLE else "none, all, torn"
            how = f"sampled, SEED={self.seed}" if group in ("mixed load", "stop") else how
            bad = any(f.startswith(group + ":") for f in failures)
            self.say(not bad, f"{group}: {points[group]} points, {counts[group]} disks ({how})")
        self.say(not failures, f"in all {sum(points.values())} points, {sum(counts.values())} disks, {sum(p[3] for p in parts)} of them different; {len(failures)} wrong")

    def complete(self):
        """The recorder has missed nothing: with every write it saw, the disk is what it is."""
        disk = self.base()
        for r in self.records:
            disk.apply(r)
        files, _ = disk.tree(frozenset(), None)
        wrong, seen = [], set()
        for top, _, names in os.walk(disk.top):
            for name in names:
                path = os.path.join(top, name)[len(disk.top) + 1:]
                if name.endswith("-shm"):
                    continue
                seen.add(path)
                with open(os.path.join(top, name), "rb") as f:
                    if path not in files or files[path].content(frozenset(), None) != f.read():
                        wrong.append(path)
        wrong += sorted(set(files) - seen)
        self.say(not wrong, f"the recording has every change: {len(seen)} files are what it says" + (f", but not {wrong}" if wrong else ""))

    def syncs(self):
        results = list(judge_syncs(self.base(), self.records, self.script["acts"], self.places))
        for name, file, synced in results:
            if not synced:
                self.say(False, f"{name}: no sync of {file} between its data and the reply")
        good = sum(1 for r in results if r[2])
        self.say(good == len(results), f"{good} of {len(results)} replies and files: a sync lies between the data and the reply")
        paths = inode_paths(self.base(), self.records)
        grouped = list(judge_group_syncs(paths, self.records, self.last, self.mixed.moves))
        syncs = sum(1 for r in self.records[self.last:] if r.op == "synced" and paths.get(r.inode, "").endswith("-wal"))
        bad = [mark for mark, synced in grouped if not synced]
        self.say(not bad, f"mixed load: {len(grouped)} messages were acknowledged after a sync that began behind their commit; {syncs} syncs of WALs" + (f"; not {bad[:5]}" if bad else ""))

    def self_check(self):
        """Were a sync left out, this would see it."""
        for what, distrust in (
            ("any sync", lambda node: True),
            ("the syncs of WALs", lambda node: node.path.endswith("-wal")),
            ("the syncs of large messages", lambda node: node.path.startswith("spool/")),
            ("the syncs of directories", lambda node: node.entries is not None),
        ):
            j = self.judge("check", whole=())
            j.disk.distrust = distrust
            j.run(stop_at_first=True)
            self.say(bool(j.failures), f"without {what} mail would be lost, and it is seen" + (f": {j.failures[0][:160]}" if j.failures else ""))


def main():
    verb, suite, *rest = sys.argv[1:]
    if verb == "base":
        with open(f"{suite}/powercut.base", "wb") as f:
            pickle.dump(Disk(f"{suite}/data"), f)
    elif verb == "talk":
        host, offset, u1, u2, password, command, messages = rest
        s = Suite(host, offset, u1, u2, password, [command, "-c", f"{suite}/pillarbox.conf"], f"{suite}/run")
        sink = Sink(host, 26 + int(offset))
        sink.start()
        scenario = Scenario(s)
        script = scenario.play(sink)
        mixed = Mixed(scenario, int(messages))
        mixed.prepare()
        script["moves"] = mixed.play()
        with open(f"{suite}/powercut.acts", "wb") as f:
            pickle.dump(script, f)
    elif verb == "judge":
        run = Run(suite, rest[0], len(rest) > 1 and rest[1] not in ("", "0"))
        begun = time.monotonic()
        try:
            run.complete()
            run.syncs()
            run.everything()
            run.self_check()
        finally:
            shutil.rmtree(run.images, ignore_errors=True)
        print(f"# {time.monotonic() - begun:.1f} s")


if __name__ == "__main__":
    main()
