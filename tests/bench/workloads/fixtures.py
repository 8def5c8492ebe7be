"""Mailboxes that are made once on each side, before the stopwatch."""

import imaplib
import time

from servers import HOST

BIG = "Big"
INDEX_SECONDS = 120  # an index is made at the lowest priority


def need_big(b, server):
    """20,000 made messages of 5 KB, every tenth unseen; half hold "meeting", none "quetzalcoatl"."""
    if "big" not in server.ready:
        b.imap(server, "u10", f"CREATE {BIG}")
        b.imap(server, "u10", "--mailbox", BIG, "--append", 5000, "--count", b.big, "--depth", 32)
        server.ready.add("big")


def need_index(b, server):
    """The large mailbox, with what the side computes beside: it does so while somebody has it selected."""
    need_big(b, server)
    if "index" not in server.ready:
        with imaplib.IMAP4(HOST, server.port(143)) as session:
            session.login(server.user("u10"), server.password)
            session.select(BIG)
            until = time.monotonic() + INDEX_SECONDS
            while not server.is_indexed(b.big) and time.monotonic() < until:
                time.sleep(0.2)
        server.ready.add("index")


def need_pop3(b, server):
    if "pop3" not in server.ready:
        b.imap(server, "u11", "--mailbox", "INBOX", "--append", 4000, "--count", b.size(3000), "--depth", 32)
        server.ready.add("pop3")


def need_append(b, server):
    if "append" not in server.ready:
        b.imap(server, "u12", "CREATE Append")
        server.ready.add("append")


def big_command(b, server, repeat, *commands):
    """The report of a load that repeats the commands with the large mailbox selected."""
    need_big(b, server)
    return b.imap(server, "u10", "--mailbox", BIG, "--count", repeat, *commands)
