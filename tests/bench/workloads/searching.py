"""SEARCH on the large mailbox."""
from .base import Workload, latency
from .fixtures import big_command


def search(criteria, repeat, found=None):
    """The median time of a SEARCH; `found` of the messages are answered."""

    def work(b, server):
        return latency(big_command(b, server, repeat, f"SEARCH {criteria}"), found(b) * repeat if found else None)

    return work


WORKLOADS = [
    Workload("search-unseen", "SEARCH UNSEEN", "ms", 1, search("UNSEEN", 20, lambda b: b.big // 10)),
    Workload("search-subject", "SEARCH SUBJECT, substring", "ms", 10, search("SUBJECT ferner", 3)),
    Workload("search-absent", "SEARCH TEXT, absent word", "ms", 100, search("TEXT quetzalcoatl", 3, lambda b: 0)),
    Workload("search-common", "SEARCH TEXT, common word", "ms", 10, search("TEXT meeting", 3, lambda b: b.big // 2)),
]
