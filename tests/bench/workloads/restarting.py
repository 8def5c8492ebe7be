"""What a start costs: until all is ready, and until the first SELECT is answered."""
from .base import AtMost, Result, Workload, latency
from .fixtures import BIG, need_big


def start(_, server):
    server.restart()
    return Result(server.start_seconds, None)


def drop_caches():
    """Makes the system forget what it has read; False: that is not allowed."""
    try:
        with open("/proc/sys/vm/drop_caches", "w", encoding="utf-8") as f:
            f.write("3")
        return True
    except OSError:
        return False


def select_cold(drop):
    def work(b, server):
        need_big(b, server)
        server.stop()
        note = None
        if drop and not drop_caches():
            note = "the caches of the system could not be dropped: as after a mere restart"
        server.start()
        report = b.imap(server, "u10", f"SELECT {BIG}")
        if report["exists"] != b.big:
            raise RuntimeError(f"{report['exists']} messages instead of {b.big}")
        result = latency(report)
        result.note = note
        return result

    return work


WORKLOADS = [
    Workload("start", "start until all is ready", "s", AtMost(0.3), start),
    Workload("select-cold", "SELECT, first after a restart", "ms", 1, select_cold(False)),
    Workload("select-disk", "SELECT, first after a restart with nothing in memory", "ms", 1, select_cold(True)),
]
