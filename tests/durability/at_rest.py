"""What the daemons of a suite hold on to when nobody is connected: memory, descriptors, files, room on the disk."""
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
from processes import memory_kb  # noqa: E402

# All files that a data directory may have while nobody is at work (docs/ARCHITECTURE.md, The store).
KNOWN = re.compile(r"(directory|queue|trace)\.db(-wal|-shm)?|queue\.lock|accounts/\d+/mail\.db(-wal|-shm)?|accounts/\d+/(index|blobs)/.+(?<!\.tmp)|run/.*|tls/.*|dkim/.*")
WAL_KB = 40 << 10  # a writer begins it anew at 8,000 pages (WAL_HARD_FRAMES)
# What may be different between two rests of a daemon that has done the same all the time: pages that malloc() keeps between pieces in use, and caches that
# are not full yet, each of which has its limit (accounts, views, verified logins, results of DNS). In the short form, which is hardly warm at the first
# rest and does not wait until idle handles are closed, much more of that.
MAY_GROW = {True: (1.2, 6144), False: (1.3, 16384)}  # {long: (factor, KB)}


class Rest:
    """Of each daemon {"rss", "pss" in KB; "sockets", "deleted", "fds"}."""

    def __init__(self, suite):
        self.of = {d.name: look_at(d.process.pid) for d in suite.daemons}

    def __str__(self):
        return ", ".join(f"{name} {x['rss'] / 1024:.1f} MB resident ({x['pss'] / 1024:.1f} shared out), {x['fds']} descriptors" for name, x in self.of.items())


def look_at(pid):
    links = [link for link in map(link_of, os.scandir(f"/proc/{pid}/fd")) if link]
    return {"rss": memory_kb([pid], "Rss"), "pss": memory_kb([pid], "Pss"), "fds": len(links), "sockets": sum(link.startswith("socket:") for link in links),
            "deleted": sum(link.endswith(" (deleted)") for link in links)}


def link_of(entry):
    try:
        return os.readlink(entry.path)
    except OSError:
        return None  # it has been closed


def rest(suite, fresh, what, wait_s):
    """Waits until no daemon has more of `what` than when it was new; gives what they hold then, or at last."""
    end = time.monotonic() + wait_s
    while True:
        now = Rest(suite)
        if all(x[what] <= fresh.of[name][what] for name, x in now.of.items()) or time.monotonic() > end:
            return now
        time.sleep(0.2)


def judge_memory(wrongs, before, after, long):
    """`before` and `after` a stretch, both at rest."""
    factor, more = MAY_GROW[long]
    for name, was in before.of.items():
        now = after.of[name]
        for what in ("rss", "pss"):
            if now[what] > was[what] * factor + more:
                wrongs.add("memory", name, f"{what} {now[what]} KB at rest, was {was[what]} KB")


def judge_descriptors(wrongs, fresh, after, what):
    for name, was in fresh.of.items():
        now = after.of[name]
        if now[what] > was[what]:
            wrongs.add("descriptors", name, f"{now[what]} {what} are open at rest, {was[what]} when it was new")
        if now["deleted"]:
            wrongs.add("descriptors", name, f"{now['deleted']} files are open and deleted")


def left_over(data):
    """What nobody knows, or a WAL without measure: [(path, why)]."""
    found = []
    for folder, _, files in os.walk(data):
        for name in files:
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, data)
            try:
                size = os.stat(path).st_size
            except OSError:
                continue  # it is gone
            if relative.startswith("queue/") or not KNOWN.fullmatch(relative):
                found.append((relative, f"{size} octets"))  # the queue is empty by now
            elif relative.endswith("-wal") and size > WAL_KB << 10:
                found.append((relative, f"a WAL of {size} octets"))
    return found


def judge_disk(wrongs, data, wait_s=30):
    """A segment of the index that is just being made gets time to be done."""
    end = time.monotonic() + wait_s
    while (found := left_over(data)) and time.monotonic() < end:
        time.sleep(0.5)
    for relative, why in found:
        wrongs.add("left over", "disk", f"{relative}: {why}")
