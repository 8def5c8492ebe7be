"""Looks through the memory of a process, which only root may."""
import os
import re

PAGE = os.sysconf("SC_PAGESIZE")


def resident(start, end, pagemap):
    """The runs of pages that are in memory: of a thread's stack those are few."""
    pagemap.seek(start // PAGE * 8)
    entries = memoryview(pagemap.read((end - start) // PAGE * 8)).cast("Q")
    begin = None
    for i, e in enumerate(entries):
        there = e >> 62  # present, or swapped
        if there and begin is None:
            begin = i
        elif not there and begin is not None:
            yield start + begin * PAGE, (i - begin) * PAGE
            begin = None
    if begin is not None:
        yield start + begin * PAGE, (len(entries) - begin) * PAGE


def search(pid, needles):
    """Where in the memory that a process may write to one of `needles` ({octets: what they are}) stands, in words."""
    hits = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem, open(f"/proc/{pid}/pagemap", "rb", 0) as pagemap:
        for line in maps:
            m = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)", line)
            if "w" not in m[3]:
                continue
            for start, n in resident(int(m[1], 16), int(m[2], 16), pagemap):
                try:
                    mem.seek(start)
                    data = mem.read(n)
                except OSError:
                    continue
                for needle, how in needles.items():
                    at = data.find(needle)
                    if at >= 0:
                        hits.append(f"{how} in {m[4] or 'memory'} at {start + at:x}: {data[max(0, at - 40):at + 60]!r}")
    return hits
