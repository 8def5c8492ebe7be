"""Cuts the power at every point at which accounts of older versions are brought forward (see t_powercut_old.sh).

    powercut_migration.py SUITE READER MESSAGES [LONG]     prints "ok …" and "FAIL …" lines

The recording is of `pillarbox check`, which opens every account. Whatever is left, all mail must be there when the accounts are opened again, as it was."""
import hashlib
import os
import pickle
import random
import shutil
import sys
import tempfile
import time

import powercut_log
from powercut import Judge, find_replies
from powercut_image import Images, state_of
from powercut_mixed import random_disk

GROUP = "migration"
DISTRUSTED = 10


class Migration:
    def __init__(self, suite, reader, messages, long):
        self.suite, self.reader, self.messages, self.long = suite, reader, messages, long
        self.records = powercut_log.read(f"{suite}/powercut.log")
        self.failed = False
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.images = tempfile.mkdtemp(prefix="pillarbox-powercut.", dir=memory)
        # a mark is a subject; what powercut_old.c made
        self.bodies = {f"m{i}": hashlib.sha256(f"Number {i}.\r\n".encode()).hexdigest() for i in range(1, messages + 1)}

    def base(self):
        with open(f"{self.suite}/powercut.base", "rb") as f:
            return pickle.load(f)

    def say(self, good, text):
        self.failed |= not good
        print(f"{'ok' if good else 'FAIL'} {text}", flush=True)

    def state(self, disk, name):
        images = Images(self.reader, f"{self.images}/{name}", f"{self.suite}/powercut.{name}.log")
        state, wrong = state_of(images.look(disk, frozenset(), None), self.bodies)
        images.close()
        return state, wrong

    def expected(self, state):
        """Every account has what was put there."""
        marks = sorted(self.bodies)
        for a in state["accounts"].values():
            flagged = sorted(m for m in marks if int(m[1:]) % 3 == 0)
            archive = sorted(f"m{i}" for i in range(1, 11))
            if a["boxes"].get("INBOX") != marks or a["boxes"].get("Archive") != archive or a["flagged"] != flagged:
                return False
        return len(state["accounts"]) == 2

    def judge(self, first):
        """In the short form at a sixth of the points."""
        acts = [{"name": "bringing forward", "group": GROUP, "reply": "exit", "after": first, "also": [], "files": [], "mark": None}]
        script = {"acts": acts, "bodies": self.bodies, "first": first}
        how = {"whole": None} if self.long else {"whole": (), "shares": 6}
        return Judge(self.base(), self.records, script, find_replies(self.records, acts), self.reader, f"{self.images}/all", f"{self.suite}/powercut.all.log", **how).run()

    def found_without_syncs(self, first):
        """Did no sync do anything, half of all writes may be missing in the end: is that seen?"""
        disk, chance = self.base(), random.Random(1)
        disk.distrust = lambda node: True
        for r in self.records:
            disk.apply(r)
        images = Images(self.reader, f"{self.images}/check", f"{self.suite}/powercut.check.log")
        found = []
        for _ in range(DISTRUSTED):
            state, wrong = state_of(images.look(disk, *random_disk(disk, chance)), self.bodies)
            if wrong or state != first:
                found += wrong[:1] or ["other mail"]
        images.close()
        return found

    def run(self):
        before, wrong = self.state(self.base(), "before")
        self.say(not wrong and self.expected(before), f"{len(before['accounts'])} accounts of older versions are opened with all their mail" + (f": {wrong[:3]}" if wrong else ""))
        j = self.judge(before)
        for f in j.failures[:5]:
            self.say(False, f)
        how = "every single write missing" if self.long else "none, all, torn"
        self.say(not j.failures and sum(j.points.values()) > 20, f"migration: {j.points[GROUP]} points, {j.counts[GROUP]} disks ({how}); {len(j.failures)} wrong")
        found = self.found_without_syncs(before)
        self.say(bool(found), f"without syncs mail would be lost, and it is seen: {len(found)} of {DISTRUSTED} disks" + (f": {found[0][:160]}" if found else ""))


def main():
    suite, reader, messages, *rest = sys.argv[1:]
    begun = time.monotonic()
    m = Migration(suite, reader, int(messages), bool(rest) and rest[0] not in ("", "0"))
    try:
        m.run()
    finally:
        shutil.rmtree(m.images, ignore_errors=True)
    print(f"# {time.monotonic() - begun:.1f} s")
    return m.failed


if __name__ == "__main__":
    sys.exit(main())
