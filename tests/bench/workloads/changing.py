"""STORE, COPY, MOVE and EXPUNGE on the large mailbox and on copies of it."""
from .base import Workload, latency, rate
from .fixtures import BIG, big_command, need_big


def store_one_by_one(b, server):
    n = min(b.size(3000, 300), b.big)
    report = big_command(b, server, n, "STORE %d +FLAGS (\\Flagged)")
    b.imap(server, "u10", "--mailbox", BIG, "STORE 1:* -FLAGS.SILENT (\\Flagged)")
    return rate(report, n)


def store_all(b, server):
    return latency(big_command(b, server, 3, "STORE 1:* +FLAGS.SILENT (\\Answered)",
                               "STORE 1:* -FLAGS.SILENT (\\Answered)"))


class Copies:
    """Half of the large mailbox as copies, for as long as the context lasts, and an empty mailbox."""

    def __init__(self, b, server):
        self.b, self.server, self.count = b, server, b.big // 2

    def __enter__(self):
        need_big(self.b, self.server)
        for name in ("Copies", "Moved"):
            self.b.imap(self.server, "u10", f"CREATE {name}")
        self.copied = self.b.imap(self.server, "u10", "--mailbox", BIG, f"COPY 1:{self.count} Copies")
        self.must_hold("Copies", self.count)
        return self

    def __exit__(self, *_):
        for name in ("Copies", "Moved"):
            self.b.imap(self.server, "u10", f"DELETE {name}")

    def run(self, command):
        return self.b.imap(self.server, "u10", "--mailbox", "Copies", command)

    def must_hold(self, name, count):
        found = self.b.imap(self.server, "u10", "--mailbox", name, "NOOP")["exists"]
        if found != count:
            raise RuntimeError(f"{name} holds {found} messages instead of {count}")


def copy(b, server):
    with Copies(b, server) as copies:
        return latency(copies.copied)


def move(b, server):
    with Copies(b, server) as copies:
        half = copies.count // 2
        report = copies.run(f"MOVE 1:{half} Moved")
        copies.must_hold("Copies", copies.count - half)
        copies.must_hold("Moved", half)
        return latency(report, half)


def expunge(b, server):
    with Copies(b, server) as copies:
        copies.run("STORE 1:* +FLAGS.SILENT (\\Deleted)")
        report = copies.run("EXPUNGE")
        copies.must_hold("Copies", 0)
        return latency(report, copies.count)


WORKLOADS = [
    Workload("store-one", "STORE one flag, one by one", "/s", 1.5, store_one_by_one),
    Workload("store-all", "STORE 1:*", "ms", 1, store_all),
    Workload("copy", "COPY half of the mailbox", "ms", 20, copy),
    Workload("move", "MOVE a quarter of the mailbox", "ms", 20, move),
    Workload("expunge", "EXPUNGE half of the mailbox", "ms", 20, expunge),
]
