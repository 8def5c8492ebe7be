#!/usr/bin/env python3
"""Everything at once: the mixed load of kills.py, the speed load of tests/bench, the floods of tests/overload, and kills at random moments; then a
long stretch without kills. Nothing acknowledged may be lost, and memory, descriptors and files must end where they began.

    everything.py BUILD DIRECTORY OFFSET PASSWORD LOAD_PROGRAM     (environment: see t_everything.sh)"""
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import kills
from at_rest import Rest, judge_descriptors, judge_disk, judge_memory, rest
from daemons import Killer, Suite
from kills import LONG, SEED, Run
from ledger import Wrongs
from self_check import self_check
from speed import Speed

SECONDS = float(os.environ.get("EVERYTHING_SECONDS", 600 if LONG else 4))
KILLED, WARM = (0.4, 0.2) if LONG else (0.4, 0.3)  # shares of it: with kills; warming up behind them. The rest is the long stretch
LIMIT_MS = float(os.environ.get("LIMIT_MS", 100))  # a normal client's commands, at the median
TELL_S = 60
IDLE_S = 30  # so long a database handle stays open behind its last use
DESCRIPTORS = "fds" if LONG else "sockets"  # which of them must be as few as when the daemon was new
LEAK_S = 4
FLOOD_KINDS = ("slow clients", "connections", "wrong logins", "piped commands", "huge literals", "octets of garbage")
READER_MAIL = 1000 if LONG else 200
FLOODS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "overload")


class Children:
    """The floods and a normal client beside them, processes of their own."""

    def __init__(self):
        self.floods = self.normal = None
        self.counted, self.took, self.wrong = {}, [], []

    def start(self, seed):
        self.floods = self.child("floods.py", str(seed))
        self.normal = self.child("normal_client.py")
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def child(self, program, *words):
        p = subprocess.Popen([sys.executable, f"{FLOODS}/{program}", *words], stdout=subprocess.PIPE, text=True)
        if p.stdout.readline() != "ready\n":
            raise RuntimeError(f"{program} does not start")
        return p

    def read(self):
        for line in self.normal.stdout:
            told = json.loads(line)
            self.took += told["took"]
            self.wrong += told["wrong"]

    def latency(self):
        took = sorted(self.took)
        return (took[len(took) // 2], took[len(took) * 95 // 100], took[-1]) if took else (0, 0, 0)

    def stop(self):
        for p in (self.floods, self.normal):
            p.send_signal(signal.SIGTERM)
        told = self.floods.communicate()[0]
        if self.floods.returncode or not told:
            raise RuntimeError(f"the floods ended with {self.floods.returncode}")
        self.normal.wait()
        self.reader.join()
        for what, n in json.loads(told).items():
            self.counted[what] = self.counted.get(what, 0) + n
        self.floods = None

    def kill(self):
        for p in (self.floods, self.normal):
            if p:
                p.kill()


class Everything(Run):
    def __init__(self, suite, sink_file, load_program):
        super().__init__(suite, sink_file, load_program)
        self.killer = Killer(suite, random.Random(SEED + 1), self.wrongs, kills.MEAN_S, kills.READY_MS / 1000)
        self.speed = Speed(suite, "b1@example.test", "s2@example.test", self.wrongs)
        self.children = Children()
        self.began = self.told = time.monotonic()
        self.stretches = 0

    def stretch(self, seconds, what):
        """All of it for so long, with a word each minute."""
        self.stretches += 1
        self.children.start(SEED + self.stretches)
        end = time.monotonic() + seconds
        self.resume(1 + self.stretches * 100_000_000)
        self.speed.start()
        while time.monotonic() < end and not self.broken():
            time.sleep(0.1)
            self.ledger.read()
            if time.monotonic() - self.told > TELL_S:
                self.told = time.monotonic()
                self.tell(what)
        self.killer.over.set()
        if self.killer.is_alive():
            self.killer.join()
        self.children.stop()
        self.pause()
        self.speed.stop()

    def rest(self):
        """What the daemons hold, if none of them is between a kill and its next start."""
        try:
            return Rest(self.suite)
        except FileNotFoundError:
            return "a daemon was being killed"

    def tell(self, what):
        median, high, most = self.children.latency()
        done = ", ".join(f"{n} {k}" for k, n in self.speed.so_far().items())
        print(f"  {time.monotonic() - self.began:.0f} s, {what}: {self.killer.kills} kills, {self.ledger.acked} deliveries acknowledged, {done}; a normal client waits {median:.1f} ms, "
              f"{high:.0f} ms at the 95th percentile, {most:.0f} at most; {self.rest()}; {len(self.wrongs.all)} wrong", flush=True)

    def renew(self):
        """New daemons, which nobody has used."""
        self.suite.stop()
        self.suite.start()
        time.sleep(0.3)
        return Rest(self.suite)

    def at_rest(self):
        """The queue is empty, nobody is connected, and, in the long form, what was idle is closed."""
        self.drain()
        if LONG:
            time.sleep(IDLE_S)
        return rest(self.suite, self.fresh, DESCRIPTORS, 15 if LONG else 5)

    def work(self):
        self.speed.fill(READER_MAIL)
        self.killer.start()
        self.stretch(SECONDS * KILLED, "with kills")
        self.fresh = self.renew()
        self.children.took = []  # who is killed can't answer
        self.stretch(SECONDS * WARM, "warming up")
        self.warm = self.at_rest()
        self.stretch(SECONDS * (1 - KILLED - WARM), "without kills")
        self.after = self.at_rest()
        judge_memory(self.wrongs, self.warm, self.after, LONG)
        judge_descriptors(self.wrongs, self.fresh, self.after, DESCRIPTORS)
        if missing := [k for k in FLOOD_KINDS if LONG and not self.children.counted.get(k)]:
            self.wrongs.add("floods", "floods.py", f"there were none of {missing}")
        for answer in self.children.wrong:
            self.wrongs.add("refused", "normal client", answer)
        if self.children.latency()[0] > LIMIT_MS and LONG:
            self.wrongs.add("slow", "normal client", f"{self.children.latency()[0]:.0f} ms at the median")

    def judge_relayed(self):
        """Whatever the speed load had an answer for has reached the other server."""
        with open(f"{self.suite.directory}/counted.relay") as f:
            relayed = sum(1 for _ in f)
        if relayed < self.speed.done["messages to relay"]:
            self.wrongs.add("lost", "relay", f"{relayed} of {self.speed.done['messages to relay']} messages were relayed")
        return relayed

    def say(self):
        median, high, most = self.children.latency()
        print(f"     new: {self.fresh}\n     warm: {self.warm}\n     after {SECONDS * (1 - KILLED - WARM):.0f} s of everything: {self.after}")
        print(f"     floods: {', '.join(f'{n:,.0f} {k}' for k, n in self.children.counted.items() if k != 'seconds')}")
        print(f"     speed: {', '.join(f'{n:,} {k}' for k, n in self.speed.done.items())}")
        print(f"     a normal client beside it: {len(self.children.took)} commands, {median:.1f} ms at the median, {high:.0f} ms at the 95th percentile, {most:.0f} ms at most", flush=True)


def leaky(suite, run):
    """Is growing memory, or a descriptor left open, found? Daemons that leak, under the same floods."""
    wrongs = Wrongs()
    wrongs.quiet = True
    suite.stop()
    os.environ["LD_PRELOAD"] = f"{suite.build}/tests/durability/leak.so"
    try:
        suite.start()
    finally:
        del os.environ["LD_PRELOAD"]
    before = Rest(suite)
    run.children.start(SEED)
    time.sleep(LEAK_S)
    run.children.stop()
    after = rest(suite, before, "sockets", 1)
    judge_memory(wrongs, before, after, LONG)
    judge_descriptors(wrongs, before, after, "sockets")
    missing = {(kind, d.name) for kind in ("memory", "descriptors") for d in suite.daemons} - wrongs.kinds()
    print(f"FAIL leaks made on purpose were not found: {sorted(missing)}" if missing else "ok   leaks of memory and of descriptors made on purpose are found in each daemon")
    return bool(missing)


def main():
    build, directory, offset, password, program = sys.argv[1:6]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # nobody is left behind
    suite = Suite(build, directory, int(offset), password)
    began = time.monotonic()
    run = Everything(suite, f"{directory}/counted", program)
    open(run.ledger.path, "w").close()
    print(f"seed {SEED}")
    suite.start()
    try:
        run.work()
        run.finish_clients()
        if run.broken():
            print(f"FAIL the run broke off: {run.broken()}")
            return 1
        run.drain()
        run.verify()
        run.check()
        relayed = run.judge_relayed()
        judge_disk(run.wrongs, f"{directory}/data")
        run.read_log()
        run.say()
        wrong = len(run.wrongs.all)
        print(("FAIL " if wrong else "ok   ") + f"{wrong} wrong{wrong and f' ({run.wrongs.counted()})' or ''}; {relayed} relayed; " + run.figures() + f"; {time.monotonic() - began:.0f} s")
        return (wrong > 0) | (LONG and self_check(run) | leaky(suite, run))
    finally:
        run.over.set()
        run.killer.over.set()
        run.children.kill()
        run.speed.terminate()
        if run.load:
            run.load.terminate()
        for d in suite.daemons:
            if d.process.poll() is None:
                d.stop()


if __name__ == "__main__":
    sys.exit(main())
