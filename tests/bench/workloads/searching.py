"""SEARCH on the large mailbox. What a side derives from the messages by itself is there before the stopwatch, except
in the row that says so."""
from .base import Workload, latency
from .fixtures import big_command


def search(criteria, repeat, found=None):
    """The median time of a SEARCH; `found` of the messages are answered."""

    def work(b, server):
        return latency(big_command(b, server, repeat, f"SEARCH {criteria}"), found(b) * repeat if found else None)

    return work


def search_unindexed(b, server):
    server.index_search(False)
    try:
        return latency(big_command(b, server, 3, "SEARCH TEXT quetzalcoatl"), 0)
    finally:
        server.index_search(True)


WORKLOADS = [
    Workload("search-unseen", "SEARCH UNSEEN", "ms", 1, search("UNSEEN", 20, lambda b: b.big // 10)),
    Workload("search-subject", "SEARCH SUBJECT, substring", "ms", 10, search("SUBJECT ferner", 3)),
    Workload("search-absent", "SEARCH TEXT, absent word", "ms", 100, search("TEXT quetzalcoatl", 3, lambda b: 0)),
    Workload("search-common", "SEARCH TEXT, common word", "ms", 10, search("TEXT meeting", 3, lambda b: b.big // 2)),
    Workload("search-unindexed", "SEARCH TEXT, absent word, without our index", "ms", None, search_unindexed),
]
