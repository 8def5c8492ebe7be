#!/usr/bin/env python3
"""Nothing acknowledged is ever lost: a suite under mixed load, its daemons killed with -9 at random moments.

    kills.py BUILD DIRECTORY OFFSET PASSWORD LOAD_PROGRAM     (environment: see t_kills.sh)

Each client keeps to accounts of its own and knows what was acknowledged to it (model.py, pop3_actor.py, submitter.py,
ledger.py); what was in flight when a connection broke may have happened or not. It looks after every break, and all of it is
read and recounted in the end. Then a few faults are made behind everybody's back, each of which must be found."""
import collections
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

from collector import Box, Collector, read_numbers, read_reports
from daemons import Killer, Suite
from imap_actor import ImapActor
from ledger import Ledger, Wrongs
from pop3_actor import Pop3Actor
from self_check import self_check
from submitter import Submitter

LONG = os.environ.get("LONG", "") not in ("", "0")
KILLS = int(os.environ.get("KILLS", 500 if LONG else 8))
DELIVERIES = int(os.environ.get("DELIVERIES", 200_000 if LONG else 500))
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 30)))
MEAN_S = float(os.environ.get("KILL_MEAN_S", 0.6))
READY_MS = int(os.environ.get("READY_MS", 1000 if LONG else 3000))
SESSIONS = int(os.environ.get("SESSIONS", 8))
RATE = int(os.environ.get("RATE", 0))
TROUBLE = re.compile(r"Sanitizer|runtime error|assert|input_stuck|err=(CORRUPT|INTERNAL|IO|MISUSE)")
DRAIN_S = 60
REPORT_EACH_S = 30
LAST_NUMBERS = 1_000_000_001  # of what is delivered behind everything else


class Run:
    """`names`: how the accounts are called that t_kills.sh made: d only delivered to, i with and j without mail that arrives, p POP3."""

    def __init__(self, suite, sink_file, load_program):
        at = "@example.test"
        self.suite, self.sink_file, self.load_program = suite, sink_file, load_program
        self.wrongs, self.over = Wrongs(), threading.Event()
        self.random = random.Random(SEED)
        boxes = [Box(a + at, a + at) for a in ("d1", "d2", "d3")] + [Box("f1" + at, "forward" + at)]
        takers = [b.address for b in boxes] + ["i1" + at, "i2" + at, "p1" + at, "p2" + at]
        self.addresses = [b.address for b in boxes] * 6 + takers[4:]  # the bulk goes where nobody takes it out again
        self.ledger = Ledger(f"{suite.directory}/delivered", takers)
        self.imaps = [self.actor(ImapActor, a + at) for a in ("i1", "i2", "j1", "j2")]
        self.pops = [self.actor(Pop3Actor, a + at) for a in ("p1", "p2")]
        self.submitter = Submitter(suite, "s1" + at, "h1" + at, self.over, 0.01)
        self.collector = Collector(suite, boxes, self.wrongs, self.ledger, self.over, 1)
        self.killer = Killer(suite, random.Random(SEED + 1), self.wrongs, MEAN_S, READY_MS / 1000)
        self.clients = [*self.imaps, *self.pops, self.submitter, self.collector]
        self.load, self.threads = None, []

    def actor(self, kind, account):
        return kind(self.suite, account, random.Random(self.random.random()), self.wrongs, self.ledger, self.over)

    def deliver(self, addresses, *options):
        return subprocess.Popen([self.load_program, "--smtp", str(self.suite.port(25)), "--lmtp", str(self.suite.port(24)), "--record", self.ledger.path,
                                 "--seed", str(SEED), *options, *addresses], stdout=subprocess.DEVNULL)

    def start(self):
        open(self.ledger.path, "w").close()
        self.resume()

    def resume(self, first=1):
        """All clients begin, or go on; deliveries have numbers from `first` on."""
        self.over.clear()
        self.load = self.deliver(self.addresses, "--sessions", str(SESSIONS), "--rate", str(RATE), "--first", str(first))
        self.threads = [threading.Thread(target=c.run) for c in self.clients]
        for t in self.threads:
            t.start()

    def pause(self):
        self.over.set()
        self.load.terminate()
        self.load.wait()
        for t in self.threads:
            t.join()

    def broken(self):
        """A client that fell over is no finding, but the run is worth nothing."""
        return next((t.broken for t in [*self.clients, self.killer] if t.broken), None) or (self.load.poll() and f"the load ended with {self.load.returncode}")

    def work(self):
        began = told = time.monotonic()
        self.killer.start()
        while not self.broken() and (self.killer.kills < KILLS or self.ledger.acked < DELIVERIES):
            time.sleep(0.1)
            self.ledger.read()
            if time.monotonic() - told > REPORT_EACH_S:
                told = time.monotonic()
                print(f"  {told - began:.0f} s: {self.killer.kills} kills, {self.ledger.acked} deliveries acknowledged, {len(self.wrongs.all)} wrong", flush=True)
        self.killer.over.set()
        self.killer.join()

    def finish_clients(self):
        self.pause()
        self.deliver(list(self.ledger.of), "--count", "40", "--first", str(LAST_NUMBERS)).wait()  # so that nobody's INBOX is empty

    def drain(self):
        """Waits until the queue is empty."""
        end = time.monotonic() + DRAIN_S
        while time.monotonic() < end:
            status, text = self.suite.command("queue", "list", "--json")
            if status == 0 and not json.loads(text or "[]"):
                return
            time.sleep(0.1)
        self.wrongs.add("queue", "smtpd", f"it is not empty after {DRAIN_S} s: {text[:500]}")

    def verify(self):
        """All of it, while nothing changes any more."""
        self.ledger.read()
        for actor in self.imaps:
            if not actor.attempt(actor.last_look):
                self.wrongs.add("unread", actor.account, "the connection broke while nobody was at work")
        for actor in self.pops:
            actor.last_look()
        for box in self.collector.boxes:
            self.collector.read_all(box)
        with open(self.sink_file) as f:
            sink = [line.split() for line in f]
        self.submitter.judge(self.wrongs, sink, read_reports(self.suite, self.submitter.account), read_numbers(self.suite, self.submitter.held_for))
        self.judge_forwarded(sink)

    def judge_forwarded(self, sink):
        """What is forwarded was accepted for another server as well."""
        sent = {subject for _, subject in sink}
        for number, (acked, _) in self.ledger.known("forward@example.test").items():
            if acked and f"d{number}" not in sent:
                self.wrongs.add("lost", "sink", f"message {number} was to be forwarded")

    def check(self):
        """The suite's own word on its databases, of each account and of all."""
        for account in [c.account for c in self.imaps + self.pops] + [b.account for b in self.collector.boxes]:
            self.one_check(account)
        self.one_check()

    def one_check(self, *accounts):
        status, text = self.suite.command("check", *accounts)
        if status:
            self.wrongs.add("check", accounts[0] if accounts else "all", text[-600:])

    def read_log(self):
        """The daemons complain of nothing but what a kill explains."""
        with open(self.suite.log, errors="replace") as f:
            for line in f:
                if TROUBLE.search(line):
                    self.wrongs.add("log", "all", line.strip()[:300])

    def figures(self):
        ready = sorted(self.killer.ready) or [0]  # nobody was killed
        commands = sum((a.acked for a in self.imaps), collections.Counter())
        done, undone = (sum(getattr(a, f"found_{w}") for a in self.imaps + self.pops) for w in ("done", "undone"))
        return (f"{self.killer.kills} kills ({', '.join(f'{n} {k}' for n, k in self.killer.kills_of.items())}), {self.ledger.acked} deliveries acknowledged, "
                f"{self.ledger.unsure} cut off before their answer; {commands.total()} IMAP commands ({', '.join(f'{n} {k}' for k, n in commands.most_common())}), {sum(a.acked for a in self.pops)} POP3 deletions and QUITs, "
                f"{sum(a for _, a, _ in self.submitter.fate.values())} submissions; {sum(c.looks for c in self.imaps + self.pops + [self.collector])} looks, of IMAP's {sum(a.looks for a in self.imaps)} were {sum(a.recounts for a in self.imaps)} at rest and counted up, "
                f"in flight at a kill: {done} found done, {undone} found undone; served again after {ready[len(ready) // 2] * 1000:.0f} ms, {ready[len(ready) * 99 // 100] * 1000:.0f} ms in 99 of 100, "
                f"at most {ready[-1] * 1000:.0f} ms; load average {os.getloadavg()[1]:.0f}")


def main():
    build, directory, offset, password, program = sys.argv[1:6]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # no daemon is left behind
    suite = Suite(build, directory, int(offset), password)
    began = time.monotonic()
    run = Run(suite, f"{directory}/counted", program)
    print(f"seed {SEED}")
    suite.start()
    try:
        run.start()
        run.work()
        run.finish_clients()
        if run.broken():
            print(f"FAIL the run broke off: {run.broken()}")
            return 1
        run.drain()
        run.verify()
        run.check()
        run.read_log()
        wrong = len(run.wrongs.all)
        print(("FAIL " if wrong else "ok   ") + f"{wrong} wrong{wrong and f' ({run.wrongs.counted()})' or ''}; " + run.figures() + f"; {time.monotonic() - began:.0f} s")
        return (wrong > 0) | self_check(run)
    finally:
        run.over.set()
        run.killer.over.set()
        if run.load:
            run.load.terminate()
        for d in suite.daemons:
            if d.process.poll() is None:
                d.stop()


if __name__ == "__main__":
    sys.exit(main())
