"""Is the harness able to find anything? Faults are made behind its back, each in another account; looking again must find each
of them, and nothing else."""
import sqlite3

from quick_imap import Imap


def database(run, account):
    directory = sqlite3.connect(f"{run.suite.directory}/data/directory.db")
    (number,) = directory.execute("SELECT id FROM account WHERE local = ?", (account.split("@")[0],)).fetchone()
    directory.close()
    return sqlite3.connect(f"{run.suite.directory}/data/accounts/{number}/mail.db", isolation_level=None)


def lose(run, account):
    """The entries of the last page of INBOX, as if their commit had never been."""
    db = database(run, account)
    db.execute("DELETE FROM entry_page WHERE id = (SELECT max(p.id) FROM entry_page p JOIN mailbox m ON m.id = p.mailbox WHERE m.name = 'INBOX')")
    db.close()


def lose_one(run, account):
    with_imap(run, account, "UID STORE {first} +FLAGS (\\Deleted)", "UID EXPUNGE {first}")


def double(run, account):
    with_imap(run, account, "UID COPY {first} INBOX")


def flag(run, account):
    with_imap(run, account, "UID STORE {first} +FLAGS.SILENT (unheard)")


def unmove(run, account):
    """A message that is in two folders after a MOVE that copied."""
    with_imap(run, account, "UID COPY {first} {other}")


def miscount(run, account):
    db = database(run, account)
    db.execute("UPDATE mailbox SET messages = messages + 1 WHERE name = 'INBOX'")
    db.close()


def misquota(run, account):
    db = database(run, account)
    db.execute("UPDATE meta SET bytes = bytes + 10000")
    db.close()


def undelete(run, account):
    """Takes what POP3 has not deleted."""
    with_imap(run, account, "UID STORE {first} +FLAGS (\\Deleted)", "UID EXPUNGE {first}")


def with_imap(run, account, *commands):
    imap = Imap(run.suite.port(143), account, run.suite.password)
    names = sorted((t.decode().split(" ")[-1].strip('"') for t, _ in imap.cmd('LIST "" "*"')[0]), key=lambda n: n != "INBOX")
    box = next(n for n in names if imap.status(n)["MESSAGES"])
    other = next((n for n in names if n != box), "")
    imap.select(box)
    first = min(imap.fetch("1:*", "UID"))
    for command in commands:
        imap.cmd(command.format(first=first, other=other))
    imap.close()


# what is done, to whom, and what must be found
LIVE = [(lose_one, "d1", ["lost"]), (double, "d2", ["doubled"]), (flag, "i1", ["state"]), (unmove, "j1", ["state"]), (undelete, "p1", ["state"])]
STOPPED = [(lose, "d3", ["lost", "counters", "quota", "check"]), (miscount, "f1", ["counters", "check"]), (misquota, "j2", ["quota", "check"])]


def self_check(run):
    """0 when every fault was found, and nothing else."""
    before = run.wrongs.kinds()
    run.wrongs.all, run.wrongs.quiet = [], True
    for fault, account, _ in LIVE:
        fault(run, f"{account}@example.test")
    run.suite.stop()
    for fault, account, _ in STOPPED:
        fault(run, f"{account}@example.test")
    run.suite.start()
    run.verify()
    run.check()
    found = run.wrongs.kinds()
    must = {(kind, f"{account}@example.test") for _, account, kinds in LIVE + STOPPED for kind in kinds}
    missing, more = must - found, found - must - before - {("check", "all")}
    if missing or more:
        print(f"FAIL faults made on purpose: not found {sorted(missing)}, found as well {sorted(more)}")
        print("\n".join(f"     {w}" for w in run.wrongs.all[:20]))
        return 1
    print(f"ok   {len(LIVE + STOPPED)} faults made on purpose were found, nothing else")
    return 0
