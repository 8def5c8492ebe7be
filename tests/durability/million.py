#!/usr/bin/env python3
"""A mailbox of a million messages, and how soon each daemon serves again after kill -9 while mail comes into it.

    million.py BUILD DIRECTORY OFFSET PASSWORD LOAD_PROGRAM     (environment: MESSAGES, KILLS, READY_MS)"""
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

from daemons import Suite
from ledger import Ledger, Wrongs, judge
from pop3_actor import Pop3
from quick_imap import Imap

MESSAGES = int(os.environ.get("MESSAGES", 1_000_000))
KILLS = int(os.environ.get("KILLS", 30))
READY_MS = int(os.environ.get("READY_MS", 1000))
ACCOUNT = "m1@example.test"
AT_ONCE = 100  # in one APPEND; several are sent at once
PIPELINED = 20
FEEDERS = 2


def fill(suite, box, count):
    """MULTIAPPEND: `count` small messages."""
    imap = Imap(suite.port(143), ACCOUNT, suite.password)
    if box != "INBOX":
        imap.cmd(f"CREATE {box}")
    commands = []
    for first in range(0, count, AT_ONCE):
        commands.append([f"APPEND {box}"])
        for n in range(first, min(first + AT_ONCE, count)):
            commands[-1] += [" ", f"From: a@b.test\r\nSubject: {box} {n}\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\n\r\nNumber {n}.\r\n".encode()]
        if len(commands) == PIPELINED or first + AT_ONCE >= count:
            for tag in imap.send(commands):
                imap.answer(tag)
            commands = []
    imap.close()


def fill_all(suite):
    """All in INBOX in the end: half of it comes there by MOVE, so that two connections can work on it."""
    began = time.monotonic()
    share = MESSAGES // FEEDERS
    feeders = [threading.Thread(target=fill, args=(suite, box, share)) for box in ["INBOX", *(f"m{i}" for i in range(1, FEEDERS))]]
    for t in feeders:
        t.start()
    for t in feeders:
        t.join()
    imap = Imap(suite.port(143), ACCOUNT, suite.password)
    for i in range(1, FEEDERS):
        imap.select(f"m{i}")
        imap.cmd("MOVE 1:* INBOX")
    imap.close()
    return time.monotonic() - began


def octets_below(directory):
    return sum(os.stat(os.path.join(d, f)).st_size for d, _, files in os.walk(directory) for f in files)


def uses(suite, name, known):
    """One useful thing with the daemon: not only a greeting."""
    if name == "imapd":
        imap = Imap(suite.port(143), ACCOUNT, suite.password)
        exists = imap.select("INBOX")["EXISTS"]
        imap.close()
        assert exists >= MESSAGES + known, f"{exists} messages"
    elif name == "pop3d":
        pop = Pop3(suite.port(110), ACCOUNT, suite.password)
        assert int(pop.cmd("STAT").split()[1]) >= MESSAGES + known
        pop.close()


def wait_delivery(ledger, acked):
    end = time.monotonic() + 30
    while ledger.acked <= acked:
        if time.monotonic() > end:
            raise RuntimeError("no delivery is acknowledged any more")
        time.sleep(0.001)
        ledger.read()


def kill_often(suite, ledger):
    """[(daemon, seconds until it greets, until it has done something)]"""
    took = []
    for i in range(KILLS):
        d = suite.daemons[i % len(suite.daemons)]
        time.sleep(0.3)
        ledger.read()
        began = time.monotonic()
        d.kill()
        ledger.read()
        known = ledger.acked
        d.start()
        d.wait_ready()
        greeted = time.monotonic() - began
        if d.name == "smtpd":
            wait_delivery(ledger, known)
        else:
            uses(suite, d.name, known)
        took.append((d.name, greeted, time.monotonic() - began))
    return took


def came(suite):
    imap = Imap(suite.port(143), ACCOUNT, suite.password)
    imap.select("INBOX", "EXAMINE")
    found = {}
    for _, literals in imap.fetch(f"{MESSAGES + 1}:*", "UID BODY.PEEK[HEADER.FIELDS (SUBJECT)]").values():
        number = int(literals[0].split()[1][1:])
        found[number] = found.get(number, 0) + 1
    imap.close()
    return found


def main():
    build, directory, offset, password, program = sys.argv[1:6]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # no daemon is left behind
    suite, wrongs = Suite(build, directory, int(offset), password), Wrongs()
    if shutil.disk_usage(directory).free < MESSAGES * 8000:
        print("FAIL there is too little space on the disk")
        return 1
    ledger = Ledger(f"{directory}/delivered", [ACCOUNT])
    open(ledger.path, "w").close()
    suite.start()
    load = None
    try:
        filled = fill_all(suite)
        print(f"     {MESSAGES} messages stored in {filled:.0f} s, {octets_below(directory + '/data/accounts') / 1e6:.0f} MB", flush=True)
        load = subprocess.Popen([program, "--smtp", str(suite.port(25)), "--lmtp", str(suite.port(24)), "--sessions", "4", "--record", ledger.path, "--rate", "200", ACCOUNT], stdout=subprocess.DEVNULL)
        took = kill_often(suite, ledger)
        load.terminate()
        load.wait()
        judge(wrongs, ACCOUNT, ledger.known(ACCOUNT), came(suite), True)
        status, text = suite.command("check", ACCOUNT)
    finally:
        if load:
            load.terminate()
        suite.stop()
    if status:
        wrongs.add("check", ACCOUNT, text[-600:])
    slow = [t for t in took if t[1] * 1000 > READY_MS]
    for name in ("smtpd", "imapd", "pop3d"):
        mine = [t for t in took if t[0] == name]
        print(f"     {name}: greeting after {max(t[1] for t in mine) * 1000:.0f} ms at most, {'a delivery acknowledged' if name == 'smtpd' else 'the mailbox open'} after {max(t[2] for t in mine) * 1000:.0f} ms at most")
    wrong = len(wrongs.all)
    print(("FAIL " if wrong else "ok   ") + f"{KILLS} kills over a mailbox of {MESSAGES} messages, {ledger.acked} deliveries acknowledged, {wrong} wrong")
    print(("FAIL " if slow else "ok   ") + f"served again within {READY_MS} ms, {len(slow)} times not")
    return (wrong > 0) | (len(slow) > 0)


if __name__ == "__main__":
    sys.exit(main())
