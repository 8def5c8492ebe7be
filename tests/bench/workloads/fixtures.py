"""Mailboxes that are made once on each side, before the stopwatch."""

BIG = "Big"


def need_big(b, server):
    """20,000 made messages of 5 KB, every tenth unseen; half hold "meeting", none "quetzalcoatl". What a side
    derives from them by itself is there, so that nothing goes on beside what is measured."""
    if "big" not in server.ready:
        b.imap(server, "u10", f"CREATE {BIG}")
        b.imap(server, "u10", "--mailbox", BIG, "--append", 5000, "--count", b.big, "--depth", 32)
        server.wait_for_index(b, "u10", BIG)
        server.ready.add("big")


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
