"""What mail takes on the disk, and a large mailbox in memory."""
import os
import time

import processes

from .base import AtMost, Result, Workload
from .delivery import deliver, smtp_source
from .fixtures import BIG, need_big

HUGE = "Huge"


def stopped(server):
    """The octets on disk with all written that was to be written later."""
    server.stop()
    os.sync()
    octets = server.disk_octets()
    server.start()
    return octets


def disk(b, server):
    before = stopped(server)
    n = b.size(2000, 200)
    deliver(b, server, ("u7", 1), n, lambda: smtp_source(b, server, 8, n, 4000, ["u7"]))
    time.sleep(3)
    os.sync()  # delayed allocation counts only then
    running = (server.disk_octets() - before) / n
    return Result((stopped(server) - before) / n, None, n, f"{server.name}: {running:,.0f} octets while it still runs")


def need_huge(b, server):
    """Five times the large mailbox, in another one."""
    if "huge" not in server.ready:
        need_big(b, server)
        b.imap(server, "u10", f"CREATE {HUGE}")
        b.imap(server, "u10", "--mailbox", BIG, "--count", 5, f"COPY 1:* {HUGE}")
        server.ready.add("huge")


def view_memory(b, server):
    """What memory grows by while a session has the mailbox selected, beside one that has another."""
    need_huge(b, server)
    server.wait_for_index(b, "u10", HUGE)
    server.restart()

    def memory():
        time.sleep(1)
        return processes.memory_kb(server.processes(), "Anonymous")

    with b.watcher(server, "u10", BIG):
        before = memory()
        with b.watcher(server, "u10", HUGE):
            return Result((memory() - before) / 1024, None)


WORKLOADS = [
    Workload("disk", "disk for each 4 KB message, all included", "octets", 1, disk, 1),
    Workload("view-memory", "memory of a session with 100,000 messages", "MB", AtMost(4), view_memory, 1),
]
