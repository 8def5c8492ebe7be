"""SORT and THREAD (RFC 5256) on the large mailbox."""
from .base import Workload, latency
from .fixtures import big_command


def sort(command, repeat=9):
    """The median time; every message is answered. The first, which fills caches, counts as little as any other."""

    def work(b, server):
        return latency(big_command(b, server, repeat, command), b.big * repeat)

    return work


WORKLOADS = [
    Workload("sort-subject", "SORT (SUBJECT)", "ms", 1, sort("SORT (SUBJECT) UTF-8 ALL")),
    Workload("sort-date", "SORT (REVERSE DATE)", "ms", 5, sort("SORT (REVERSE DATE) UTF-8 ALL")),
    Workload("thread", "THREAD REFERENCES", "ms", 3, sort("THREAD REFERENCES UTF-8 ALL")),
]
