"""What the processes of a side take: memory, processor time, descriptors (Linux, /proc)."""
import os


def descendants(roots):
    """The processes themselves and all they started, as numbers."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            stat = status_of(name)
            if stat:
                children.setdefault(int(stat[1]), []).append(int(name))
    found, left = [], list(roots)
    while left:
        pid = left.pop()
        found.append(pid)
        left += children.get(pid, [])
    return found


def status_of(pid):
    """The fields of /proc/PID/stat behind the name, None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return f.read().rpartition(")")[2].split()
    except OSError:
        return None


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as f:
            return f.read().strip()
    except OSError:
        return ""


def memory_kb(pids, what="Pss"):
    """Sum over the processes; Pss shares out what several have mapped, Anonymous is what none shares."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith(what + ":"))
        except OSError:
            pass  # it has ended
    return total


def cpu_ms(pids):
    """Processor time so far, by process."""
    tick = 1000 / os.sysconf("SC_CLK_TCK")
    stats = {pid: status_of(pid) for pid in pids}
    return {pid: (int(s[11]) + int(s[12])) * tick for pid, s in stats.items() if s}


def cpu_between(before, after):
    """What was used between two answers of cpu_ms(), also by processes that came meanwhile."""
    return sum(ms - before.get(pid, 0) for pid, ms in after.items())


def descriptors(pid):
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def disk_octets(directory, without=()):
    """What the directory occupies, a file with several names once."""
    seen, total = set(), 0
    for folder, names, files in os.walk(directory):
        names[:] = [n for n in names if n not in without]
        for name in files + names:
            try:
                s = os.lstat(os.path.join(folder, name))
            except OSError:
                continue
            if (s.st_dev, s.st_ino) not in seen:
                seen.add((s.st_dev, s.st_ino))
                total += s.st_blocks * 512
    return total
