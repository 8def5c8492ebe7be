"""What was promised to those who deliver, and what was found wrong."""
import collections
import threading

FILLER = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ\r\n".encode()
MANY = FILLER * 1100


def body_of(number):
    """The body that deliver_load makes."""
    h = number * 2654435761 % (1 << 32)
    lines = 1100 if h % 1000 < 10 else 190 if h % 1000 < 80 else 4 + h % 23
    return b"begin %d\r\n" % number + MANY[:lines * len(FILLER)] + b"end %d\r\n" % number


class Wrongs:
    """Everything that must not be, by kind and by the account where it was seen."""

    def __init__(self):
        self.lock = threading.Lock()
        self.all, self.quiet = [], False

    def add(self, kind, where, what):
        with self.lock:
            if (kind, where, what) in self.all:
                return  # each look finds it again
            self.all.append((kind, where, what))
            if len(self.all) <= 40 and not self.quiet:
                print(f"  WRONG {kind} {where}: {what}", flush=True)

    def counted(self):
        with self.lock:
            return ", ".join(f"{n} {kind}" for kind, n in collections.Counter(kind for kind, _, _ in self.all).items())

    def kinds(self):
        with self.lock:
            return {(kind, where) for kind, where, _ in self.all}


class Ledger:
    """The record of deliver_load: {address: {number: [acked, unsure]}}."""

    def __init__(self, path, addresses):
        self.path, self.at, self.rest = path, 0, b""
        self.of = {a: {} for a in addresses}
        self.lock = threading.Lock()
        self.acked = 0
        self.unsure = 0

    def read(self):
        """What has been written by now: whatever is in it as acknowledged must be found by who looks after this call."""
        with self.lock:
            with open(self.path, "rb") as f:
                f.seek(self.at)
                data = f.read()
            self.at += len(data)
            lines = (self.rest + data).split(b"\n")
            self.rest = lines.pop()
            for line in lines:
                number, address, acked, unsure = line.split()
                self.of[address.decode()][int(number)] = (int(acked), int(unsure))
                self.acked += int(acked)
                self.unsure += int(unsure)

    def known(self, address):
        """{number: (acked, unsure)} as of now: to be asked before looking at the mailbox, since then all of it must be there."""
        self.read()
        with self.lock:
            return dict(self.of[address])


def judge(wrongs, account, known, came, ended):
    """`came`: {number: how often}. While the load goes on a number may have come that is not recorded yet."""
    for number, (acked, unsure) in known.items():
        n = came.get(number, 0)
        if n < acked:
            wrongs.add("lost", account, f"message {number} was acknowledged and is not there")
        elif n > acked + unsure:
            wrongs.add("doubled", account, f"message {number} is there {n} times, acknowledged {acked}, unsure {unsure}")
    if ended:
        for number in came.keys() - known.keys():
            wrongs.add("stranger", account, f"message {number} was never handed in for it")
