"""Logging in, and the whole session of a POP3 client."""
from .base import Workload, latency, rate
from .fixtures import need_append, need_pop3


def logins(b, server):
    need_append(b, server)
    return rate(b.imap(server, "u12", "--mailbox", "Append", "--connections", "--sessions", 4, "--count",
                       b.size(500, 100)))


def pop3_open(b, server):
    need_pop3(b, server)
    return latency(b.pop3(server, "u11", "--count", 20))


def pop3_retr(b, server):
    need_pop3(b, server)
    return rate(b.pop3(server, "u11", "--count", b.size(3000), "--retr"))


WORKLOADS = [
    Workload("logins", "LOGIN, SELECT, LOGOUT, 4 at a time", "/s", 2, logins),
    Workload("pop3-open", "POP3: open 3,000 messages", "ms", 1, pop3_open),
    Workload("pop3-retr", "POP3: RETR", "msg/s", 2, pop3_retr),
]
