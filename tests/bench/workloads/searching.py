"""SEARCH, SORT and THREAD on the large mailbox, once its index is made."""
from .base import Workload, latency
from .fixtures import big_command, need_index


def search(criteria, repeat, found=None):
    """The median time of a SEARCH; `found` of the messages are answered."""

    def work(b, server):
        need_index(b, server)
        return latency(big_command(b, server, repeat, f"SEARCH {criteria}"), found(b) * repeat if found else None)

    return work


def arrange(command, repeat):
    """The median time of a SORT or THREAD, whose answer has all messages; the first one, which fills caches,
    counts as little as any other."""

    def work(b, server):
        need_index(b, server)
        return latency(big_command(b, server, repeat, f"{command} UTF-8 ALL"), b.big * repeat)

    return work


WORKLOADS = [
    Workload("search-unseen", "SEARCH UNSEEN", "ms", 1, search("UNSEEN", 20, lambda b: b.big // 10)),
    Workload("search-subject", "SEARCH SUBJECT, substring", "ms", 10, search("SUBJECT ferner", 3)),
    Workload("search-absent", "SEARCH TEXT, absent word", "ms", 100, search("TEXT quetzalcoatl", 3, lambda b: 0)),
    Workload("search-common", "SEARCH TEXT, common word", "ms", 10, search("TEXT meeting", 3, lambda b: b.big // 2)),
    Workload("sort-subject", "SORT (SUBJECT)", "ms", 1, arrange("SORT (SUBJECT)", 9)),
    Workload("sort-date", "SORT (REVERSE DATE)", "ms", 5, arrange("SORT (REVERSE DATE)", 9)),
    Workload("thread", "THREAD REFERENCES", "ms", 3, arrange("THREAD REFERENCES", 9)),
]
