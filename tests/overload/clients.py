"""A normal client of an overloaded suite, that must not notice."""
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "attacks"))
from attack import PW, U1, greeting  # noqa: E402

PACE_MS = 10


def one_normal(took, wrong):
    """A client of each protocol that does nothing unusual, with a connection of its own: milliseconds until each is greeted and of each command, and answers that are not well."""

    def timed(what, *args):
        began = time.monotonic()
        out = what(*args) if what is not greeting else greeting(*args, source="127.0.0.2")
        took.append((time.monotonic() - began) * 1000)
        return out

    t = timed(greeting, 143)
    for c in (f"LOGIN {U1} {PW}", "SELECT INBOX", "NOOP", "STATUS INBOX (MESSAGES)"):
        out = timed(t.imap, c)
        if b"t OK" not in out:
            wrong.append(out)
    t.close()
    t = timed(greeting, 110)
    for c in (f"USER {U1}", f"PASS {PW}", "STAT"):
        out = timed(t.pop, c)
        if not out.startswith(b"+OK"):
            wrong.append(out)
    t.pop("QUIT")
    t.close()
    t = timed(greeting, 25)
    for c in ("EHLO c.test", "MAIL FROM:<a@b.test>", f"RCPT TO:<{U1}>", "RSET"):
        out = timed(t.smtp, c)
        if not out.startswith(b"2"):
            wrong.append(out)
    t.close()


def one_judged(took, wrong):
    """The same where nobody is killed: a connection that breaks is wrong, too."""
    try:
        one_normal(took, wrong)
    except OSError as e:
        wrong.append(repr(e))


def summary(took):
    """The median and the 95th percentile of commands that come every PACE_MS: while one waits, it stands for those that would have come meanwhile. Else a daemon that stalls were one slow command."""
    all_of_them = sorted(ms - n * PACE_MS for ms in took for n in range(int(ms // PACE_MS) + 1))
    return (statistics.median(all_of_them), all_of_them[len(all_of_them) * 95 // 100]) if took else (float("inf"),) * 2


def normal(seconds=1.0, rounds=15):
    """One after the other, for so long at least, and so many."""
    took, wrong, stop = [], [], time.monotonic() + seconds
    while rounds > 0 or time.monotonic() < stop:
        one_judged(took, wrong)
        rounds -= 1
        time.sleep(0.02)
    return *summary(took), wrong
