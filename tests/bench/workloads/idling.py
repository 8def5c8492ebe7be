"""Many sessions that do nothing: what each costs, and how soon all of them know of a new message."""
import json
import subprocess
import time

import processes

from .base import AtMost, Result, Workload, share

USERS = 4  # u1 to u4, who have mail from the deliveries
REST_SECONDS = 10


class Idlers:
    """So many idle sessions over TLS, spread over the users, for as long as the context lasts."""

    def __init__(self, b, server, sessions):
        self.sessions = sessions
        self.process = subprocess.Popen(self.command(b, server, sessions), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)

    def command(self, b, server, sessions):
        return b.command("idle_load", server, 993, "u%d", "--tls", "--sessions", sessions, "--users", USERS)

    def __enter__(self):
        line = self.process.stdout.readline()
        if not line:
            _, error = self.process.communicate()
            raise RuntimeError(f"{self.sessions} sessions could not be opened: {error.strip()}")
        self.opened = json.loads(line)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def end(self):
        """All must still be there."""
        out, error = self.process.communicate()
        if self.process.returncode != 0:
            raise RuntimeError(error.strip())
        alive = json.loads(out)["rows"]
        if alive != self.sessions:
            raise RuntimeError(f"{alive} of {self.sessions} sessions were left")


def settled(server):
    """The processes, once none has ended for some seconds: those whose connections hibernate do."""
    time.sleep(3 if server.hibernate else 2)
    pids = server.processes()
    while server.hibernate:
        time.sleep(2.5)
        before, pids = pids, server.processes()
        if len(pids) >= len(before):
            break
    return pids


def measure(b, server, sessions):
    """Memory for each connection in kB, ms of processor in the time of rest, seconds to open all."""
    server.restart()  # memory that was used before would be used again, and hide what a connection needs
    b.imap(server, "u1", "--mailbox", "INBOX", "NOOP")
    time.sleep(1)
    before = processes.memory_kb(server.processes())
    with Idlers(b, server, sessions) as idlers:
        pids = settled(server)
        memory = processes.memory_kb(pids) - before
        rest = max(1, REST_SECONDS * min(1, b.scale))
        used = processes.cpu_ms(pids)
        time.sleep(rest)
        used = processes.cpu_between(used, processes.cpu_ms(server.processes()))
        count = len(pids)
        idlers.end()
        return {"kb": memory / sessions, "cpu_ms": used * REST_SECONDS / rest, "seconds": idlers.opened["seconds"],
                "processes": count}


def idle(b, server, full):
    """Measured once for all rows."""
    key = (server.name, full, server.hibernate)
    if key not in b.measured:
        b.measured[key] = measure(b, server, b.size(full))
    return b.measured[key]


def memory(full):
    def work(b, server):
        found = idle(b, server, full)
        note = f"{server.name}: {b.size(full):,} opened in {found['seconds']:.1f} s, {found['processes']} processes"
        return Result(found["kb"], None, note=note)

    return work


def cpu(full):
    def work(b, server):
        return Result(idle(b, server, full)["cpu_ms"], None)

    return work


def push(b, server):
    sessions = b.size(250)
    report = b.load(b.command("idle_load", server, 993, "u5", "--tls", "--sessions", sessions, "--push", 5,
                              "--smtp-port", server.port(25), "--to", server.user("u5")))
    if report["rows"] != 5 * sessions:
        raise RuntimeError(f"{report['rows']} times told instead of {5 * sessions}")
    return Result(report["median_ms"], share(report), report["rows"],
                  note=f"{server.name}: at most {report['p99_ms']:.1f} ms")


WORKLOADS = [
    Workload("push", "new message to 250 idle sessions, until the last has it", "ms", AtMost(100), push),
    Workload("idle-1000", "1,000 idle TLS connections: memory of each", "kB", AtMost(25), memory(1000), 1),
    Workload("idle-1000-cpu", "1,000 idle: processor in 10 s", "ms", AtMost(0), cpu(1000), 1),
    Workload("idle-1000-hib", "1,000 idle, theirs hibernating: memory of each", "kB", AtMost(25), memory(1000), 1,
             hibernate=True),
    Workload("idle-10000", "10,000 idle, theirs hibernating: memory of each", "kB", AtMost(25), memory(10000), 1,
             hibernate=True),
    Workload("idle-10000-cpu", "10,000 idle, theirs hibernating: processor in 10 s", "ms", AtMost(0), cpu(10000), 1,
             hibernate=True),
]
