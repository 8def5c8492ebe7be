"""SELECT and FETCH on the large mailbox."""
from .base import Workload, latency, rate, throughput
from .fixtures import BIG, big_command, need_big

THUNDERBIRD = ("UID FETCH 1:* (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date "
               "Message-ID Priority X-Priority References Newsgroups In-Reply-To Content-Type Reply-To)])")
EVERYTHING = "UID FETCH 1:* (UID FLAGS BODY.PEEK[])"


def select_warm(b, server):
    return latency(big_command(b, server, 50, f"SELECT {BIG}"))


def fetch_all(command, repeat):
    """The median time of a FETCH that every message answers."""

    def work(b, server):
        return latency(big_command(b, server, repeat, command), b.big * repeat)

    return work


def first_sync(b, server):
    return throughput(big_command(b, server, 1, EVERYTHING), b.big)


def first_sync_tls(b, server):
    need_big(b, server)
    return throughput(b.imaps(server, "u10", "--mailbox", BIG, EVERYTHING), b.big)


def fetch_pipelined(b, server):
    n = min(3000, b.big)
    return rate(big_command(b, server, n, "--depth", n, "FETCH %d (FLAGS ENVELOPE)"), n)


def fetch_one_by_one(b, server):
    n = min(3000, b.big)
    return rate(big_command(b, server, n, "FETCH %d BODY.PEEK[]"), n)


WORKLOADS = [
    Workload("select", "SELECT, warm", "ms", 1, select_warm),
    Workload("fetch-flags", "FETCH 1:* (UID FLAGS)", "ms", 3, fetch_all("FETCH 1:* (UID FLAGS)", 5)),
    Workload("fetch-list", "Thunderbird's list fetch", "ms", 3, fetch_all(THUNDERBIRD, 3)),
    Workload("fetch-envelope", "FETCH 1:* (ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE FLAGS)", "ms", 5,
             fetch_all("FETCH 1:* (ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE FLAGS)", 3)),
    Workload("fetch-sync", "first sync, BODY.PEEK[] of all", "MB/s", 1.5, first_sync),
    Workload("fetch-sync-tls", "first sync over TLS", "MB/s", 1.5, first_sync_tls),
    Workload("fetch-pipelined", "FETCH one (FLAGS ENVELOPE), 3,000 pipelined", "/s", 2, fetch_pipelined),
    Workload("fetch-one", "FETCH one BODY.PEEK[], one by one", "/s", 2, fetch_one_by_one),
]
