"""What all workloads share: the row of the table, the result, the load generators and the sizes."""
import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass

LESS_IS_BETTER = {"ms", "s", "kB", "MB", "octets", "%"}


@dataclass
class AtMost:
    """A target that does not depend on the peers, in the unit of the workload."""
    value: float


@dataclass
class Workload:
    """A row: its name, what it measures, and a function that carries it out once on one side."""
    key: str
    text: str
    unit: str  # of the value; see LESS_IS_BETTER
    target: object  # how many times better than the peers, or AtMost; None: no target
    work: callable  # (Bench, Server) -> Result, or None: there is nothing to measure on this side
    rounds: int = None  # at most so often, where once is enough or takes long
    hibernate: bool = False  # the peers are to hibernate idle connections

    def better(self, ours, theirs):
        """How many times ours is better; None where one needs nothing at all."""
        if self.unit in LESS_IS_BETTER:
            ours, theirs = theirs, ours
        return ours / theirs if theirs else None

    def met(self, ours, ratio):
        """None: there is no target, or nothing to compare with."""
        if isinstance(self.target, AtMost):
            return None if ours is None else ours <= self.target.value
        return None if self.target is None or ratio is None else ratio >= self.target

    def target_text(self):
        if isinstance(self.target, AtMost):
            return f"≤ {self.target.value:g} {self.unit}"
        return "–" if self.target is None else f"{self.target:g}×"


@dataclass
class Result:
    value: float
    client: float  # share of one processor that the load generator took; None: it had nothing to do
    rows: int = None  # what was answered; both sides must agree
    note: str = None  # what the reader of the table should know


class Bench:
    """The load generators, and the sizes that --scale changes."""

    def __init__(self, build, scale, directory):
        self.directory = directory  # for what is made only for this run
        self.tools = os.path.join(build, "tests", "bench")
        self.scale = scale
        self.smtp_source = shutil.which("smtp-source") or "/usr/sbin/smtp-source"
        self.measured = {}  # what one run of a workload says for several rows
        self.cipher = None  # of TLS, once it was used

    def size(self, full, least=10):
        return max(least, int(full * self.scale))

    @property
    def big(self):
        return self.size(20000, 100)

    def command(self, tool, server, standard_port, user, *args):
        return [os.path.join(self.tools, tool), "--port", str(server.port(standard_port)), "--user",
                server.user(user), "--password", server.password, *map(str, args)]

    def imap_command(self, server, user, *args):
        return self.command("imap_load", server, 143, user, *args)

    def load(self, command, **how):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return json.loads(done.stdout.splitlines()[-1])

    @contextmanager
    def watcher(self, server, user, mailbox, sessions=1, count=1):
        """Sessions that have the mailbox selected; told to, they look until it has `count` messages more."""
        process = subprocess.Popen(
            self.imap_command(server, user, "--mailbox", mailbox, "--sessions", sessions, "--watch", count),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            if process.stdout.readline() != "ready\n":
                raise RuntimeError(f"{mailbox} could not be selected")
            yield process
        finally:
            process.kill()
            process.wait()

    def imap(self, server, user, *args):
        return self.load(self.imap_command(server, user, *args))

    def imaps(self, server, user, *args):
        report = self.load(self.command("imap_load", server, 993, user, "--tls", *args))
        self.cipher = report["cipher"]
        return report

    def pop3(self, server, user, *args):
        return self.load(self.command("pop3_load", server, 110, user, *args))


def share(report):
    return report["cpu"] / max(report["seconds"], 1e-6)


def check(report, expected):
    if expected is not None and report["rows"] != expected:
        raise RuntimeError(f"{report['rows']} answers instead of {expected}")


def rate(report, expected=None):
    check(report, expected)
    return Result(report["commands"] / report["seconds"], share(report), report["rows"])


def latency(report, expected=None):
    check(report, expected)
    return Result(report["median_ms"], share(report), report["rows"])


def throughput(report, expected=None):
    check(report, expected)
    return Result(report["octets"] / report["seconds"] / 1e6, share(report), report["rows"])
