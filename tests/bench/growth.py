"""Whether ten times as much costs more than ten times the work: messages in a mailbox, their size, connections,
accounts. A row is a work measured at several sizes; --only and --scale choose as for the workloads."""
import math
import os
import shutil
import sqlite3
import time

import processes
from workloads import idling
from workloads.reading import EVERYTHING, THUNDERBIRD

TOLERATED = 12.5  # ten, and what noise adds
ACTIVE = 500


class Row:
    def __init__(self, axis, work, server, unit):
        self.row = {"axis": axis, "work": work, "side": server.name, "unit": unit, "sizes": [], "costs": []}

    def add(self, size, cost):
        self.row["sizes"].append(size)
        self.row["costs"].append(cost)

    def done(self):
        """What ten times as much costs, at the steepest step."""
        steps = list(zip(self.row["sizes"], self.row["costs"]))
        factors = [10 ** (math.log(max(c2, 1e-9) / max(c1, 1e-9)) / math.log(s2 / s1))
                   for (s1, c1), (s2, c2) in zip(steps, steps[1:])]
        self.row["tenfold"] = max(factors)
        self.row["met"] = self.row["tenfold"] <= TOLERATED
        return self.row


class Rows:
    """Rows that are filled size by size."""

    def __init__(self, axis, server):
        self.axis, self.server, self.rows = axis, server, {}

    def add(self, work, unit, size, cost):
        self.rows.setdefault(work, Row(self.axis, work, self.server, unit)).add(size, cost)

    def done(self):
        return [row.done() for row in self.rows.values()]


def mailbox(b, server, _):
    """The work of a mail program with a mailbox of 2,000, 20,000 and 100,000 messages of 5 KB."""
    rows = Rows("messages in the mailbox", server)
    for full in (2000, 20000, 100000):
        n = b.size(full, full // 100)
        name = f"Grown{n}"

        def load(*args, mailbox=name):
            return b.imap(server, "u10", "--mailbox", mailbox, *args)

        def answered(work, repeat, command, expected, load=load, n=n):
            report = load("--count", repeat, command)
            if report["rows"] != expected * repeat:
                raise RuntimeError(f"{work}: {report['rows']} answers instead of {expected * repeat}")
            rows.add(work, "ms", n, report["median_ms"])

        b.imap(server, "u10", f"CREATE {name}")
        rows.add("APPEND of all", "ms", n, load("--append", 5000, "--count", n, "--depth", 32)["seconds"] * 1000)
        rows.add("APPEND of 200 more", "ms", n,
                 load("--append", 5000, "--count", 200, "--first", n + 1, "--depth", 32)["seconds"] * 1000)
        load(f"STORE {n + 1}:* +FLAGS.SILENT (\\Deleted)", "EXPUNGE")
        server.wait_for_index(b, "u10", name)  # else it is made beside what is measured, longer where there is more
        answered("SELECT, warm", 20, f"SELECT {name}", 0)
        answered("FETCH 1:* (UID FLAGS)", 3, "FETCH 1:* (UID FLAGS)", n)
        answered("Thunderbird's list fetch", 3, THUNDERBIRD, n)
        answered("first sync", 3, EVERYTHING, n)
        some = min(n, 1000)
        answered("FETCH one (FLAGS ENVELOPE)", some, "FETCH %d (FLAGS ENVELOPE)", 1)
        answered("SEARCH SUBJECT", 3, "SEARCH SUBJECT quetzalcoatl", 0)
        answered("SEARCH TEXT, absent word", 3, "SEARCH TEXT quetzalcoatl", 0)
        answered("STORE of one flag", some, "STORE %d +FLAGS (\\Flagged)", 1)
        answered("STORE 1:*", 1, "STORE 1:* +FLAGS.SILENT (\\Answered)", 0)
        b.imap(server, "u10", "CREATE Grown")
        answered("COPY 1:*", 1, "COPY 1:* Grown", 0)
        load("STORE 1:* +FLAGS.SILENT (\\Deleted)", mailbox="Grown")
        rows.add("EXPUNGE of all", "ms", n, load("EXPUNGE", mailbox="Grown")["median_ms"])
        b.imap(server, "u10", "DELETE Grown")
    return rows.done()


def message_size(b, server, _):
    """Delivery and reading of messages from 4 KB to 4 MB."""
    rows = Rows("message size in octets", server)
    for size, full in ((4000, 2000), (40000, 400), (400000, 100), (4000000, 20)):
        n = b.size(full)
        name = f"Size{size}"
        user = "u8" if size < 4000000 else "u9"
        command = [os.path.join(b.tools, "smtp_load"), "--port", str(server.port(25)), "--to", server.user(user),
                   "--sessions", "4", "--count", str(n), "--made", str(size)]
        rows.add("SMTP until accepted", "ms", size, b.load(command)["seconds"] * 1000 / n)
        b.imap(server, "u11", f"CREATE {name}")
        report = b.imap(server, "u11", "--mailbox", name, "--append", size, "--count", n, "--depth", 4)
        rows.add("APPEND", "ms", size, report["seconds"] * 1000 / n)
        report = b.imap(server, "u11", "--mailbox", name, "--count", n, "FETCH %d BODY.PEEK[]")
        rows.add("FETCH BODY.PEEK[], one by one", "ms", size, report["seconds"] * 1000 / n)
        report = b.imap(server, "u11", "--mailbox", name, "--count", 2, "SEARCH TEXT quetzalcoatl")
        rows.add("SEARCH TEXT, absent word, for each", "ms", size, report["median_ms"] / n)
    return rows.done()


def connections(b, server, notes):
    """Idle connections over TLS: the suite only, since the table has the peers' 1,000 and 10,000."""
    rows = Rows("idle connections", server)
    for full in (100, 1000, 10000):
        n = b.size(full)
        found = idling.measure(b, server, n)
        rows.add("memory", "kB", n, max(found["kb"], 0) * n)
        rows.add("time until all are open", "ms", n, found["seconds"] * 1000)
        notes.append(f"{n:,} idle connections: {found['cpu_ms']:.0f} ms of processor in 10 s")
    return rows.done()


def add_accounts(server, first, last):
    """Accounts a%d, copies of a0 while the suite is down: hashing their passwords would take ten minutes."""
    if first == 1:
        server.add_account("a0")
    server.stop()
    data = os.path.join(server.directory, "data")
    db = sqlite3.connect(os.path.join(data, "directory.db"))
    with db:
        columns = [row[1] for row in db.execute("PRAGMA table_info(account)")]
        kept = ", ".join(c for c in columns if c not in ("id", "local"))
        template = db.execute("SELECT id FROM account WHERE local = 'a0'").fetchone()[0]
        for i in range(first, last + 1):
            made = db.execute(f"INSERT INTO account (local, {kept}) SELECT ?, {kept} FROM account WHERE id = ?",
                              (f"a{i}", template)).lastrowid
            shutil.copytree(os.path.join(data, "accounts", str(template)), os.path.join(data, "accounts", str(made)))
    db.close()
    own = os.stat(data)
    for folder, names, files in os.walk(data):
        for name in names + files:
            os.chown(os.path.join(folder, name), own.st_uid, own.st_gid)
    server.start()


class AccountIdlers(idling.Idlers):
    """An idle session for each of the accounts."""

    def command(self, b, server, sessions):
        return b.command("idle_load", server, 993, "a%d", "--tls", "--sessions", sessions, "--users", sessions)


def accounts(b, server, notes):
    """One database each: mail to all of them in turn, and to 500 that have an idle session each."""
    rows = Rows("accounts", server)

    def deliver(first, count):
        command = [os.path.join(b.tools, "smtp_load"), "--port", str(server.port(25)), "--to", server.user("a%d"),
                   "--sessions", "8", "--first", str(first), "--count", str(count), "--made", "4000"]
        return b.load(command)["seconds"] * 1000

    made = 0
    active = b.size(ACTIVE)
    for full in (1000, 10000):
        n = b.size(full, full // 100)
        add_accounts(server, made + 1, n)
        new = n - made
        rows.add("first message to each", "ms", n, deliver(made + 1, new) * n / new)
        made = n
        rows.add("one more message to each", "ms", n, deliver(1, n))
        peak = max(processes.descriptors(pid) for pid in server.daemons("smtpd"))
        with AccountIdlers(b, server, active) as idlers:
            rows.add(f"one more to each of {active} with an idle session", "ms", n, deliver(1, active))
            time.sleep(1)
            for name in ("smtpd", "imapd"):
                pids = server.daemons(name)
                notes.append(f"{n:,} accounts, {active} of them in use: {name} has "
                             f"{sum(map(processes.descriptors, pids)):,} descriptors open and takes "
                             f"{processes.memory_kb(pids) / 1024:.0f} MB")
            idlers.end()
        notes.append(f"{n:,} accounts, after mail to all of them in turn: smtpd had {peak:,} descriptors open")
    return rows.done()


# name for --only, the work, also on the peers
AXES = [("growth-mailbox", mailbox, True), ("growth-size", message_size, True),
        ("growth-connections", connections, False), ("growth-accounts", accounts, False)]


def measure(b, servers, only):
    """The rows, as they come, and what is to be told beside them."""
    words = only.split(",") if only else [""]
    for name, work, both in AXES:
        if not any(word in name for word in words):
            continue
        for server in servers if both else servers[:1]:
            notes = []
            try:
                yield work(b, server, notes), notes
            except (RuntimeError, OSError, ValueError) as e:
                yield [], [f"{name}, {server.name}: ERROR: {e}"]
