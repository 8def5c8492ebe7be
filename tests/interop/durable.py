"""What t_durable.sh asks of the servers, and what it finds in the traces of their system calls.

durable.py talk HOST OFFSET DIR USER1 USER2 PASSWORD    converses; prints one line for each reply to be judged
durable.py judge DIR                                    reads DIR/talk and DIR/*.trace
"""
import glob
import os
import re
import socket
import sys
import time

BIG = 600_000
FLAGS_SYNCED_S = 2 # one, and some for a busy machine


def judged(daemon, what, pattern, big=False):
    print(f"{daemon}\t{what}\t{pattern}\t{int(big)}", flush=True)


class Talk:
    def __init__(self, sock):
        self.sock = sock
        self.file = sock.makefile("rb")

    def send(self, text):
        self.sock.sendall(text.encode() if isinstance(text, str) else text)

    def until(self, start):
        while True:
            line = self.file.readline()
            if not line:
                raise SystemExit(f"connection closed, waiting for {start}")
            if line.startswith(start.encode()):
                return line.decode("latin-1").rstrip()

    def ask(self, text, start):
        self.send(text + "\r\n")
        return self.until(start)


def message(mark, size=0):
    body = ("x" * 70 + "\r\n") * (size // 72 + 1)
    return f"From: a@b.test\r\nTo: c@d.test\r\nSubject: {mark}\r\n\r\n{body}"


def hand_over(t, greeting, users, size, name, replies):
    t.ask(greeting, "250 ")
    for mark, rcpts in (("one", users[:1]), ("many", users)):
        t.ask("MAIL FROM:<a@b.test>", "250")
        for u in rcpts:
            t.ask(f"RCPT TO:<{u}>", "250")
        t.ask("DATA", "354")
        t.send(message(mark, size) + ".\r\n")
        n = len(rcpts) if replies else 1
        for _ in range(n):
            line = t.until("2")
        big = ", large" if size else ""
        judged("smtpd", f"{name}: {mark} recipient{big}", re.escape(line[:60]), bool(size))
    m = message("in chunks", size)
    t.ask("MAIL FROM:<a@b.test>", "250")
    t.ask(f"RCPT TO:<{users[0]}>", "250")
    t.send(f"BDAT {len(m) - 9}\r\n{m[:-9]}")
    t.until("250")
    t.send(f"BDAT 9 LAST\r\n{m[-9:]}")
    line = t.until("250")
    judged("smtpd", f"{name}: BDAT{', large' if size else ''}", re.escape(line[:60]), bool(size))
    t.ask("QUIT", "221")


def tcp(host, port):
    return Talk(socket.create_connection((host, port), timeout=20))


def talk(host, offset, where, u1, u2, password):
    offset = int(offset)
    for size in (0, BIG):
        t = tcp(host, 25 + offset)
        t.until("220")
        hand_over(t, "EHLO x.test", [u1, u2], size, "SMTP", False)
    paths = glob.glob(where + "/**/lmtp*", recursive=True)
    for path in paths[:1]:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(20)
        sock.connect(path)
        t = Talk(sock)
        t.until("220")
        hand_over(t, "LHLO x.test", [u1, u2], 0, "LMTP", True)

    t = tcp(host, 143 + offset)
    t.until("* OK")
    t.ask(f"l1 LOGIN {u1} {password}", "l1 OK")
    n = 0

    def imap(command, name=None, big=False):
        nonlocal n
        n += 1
        t.ask(f"q{n} {command}", f"q{n} OK")
        judged("imapd", f"IMAP {name or command}", rf"q{n} OK", big)

    imap("CREATE box")
    for size in (0, BIG):
        m = message("appended", size)
        imap(f"APPEND box {{{len(m)}+}}\r\n{m}", "APPEND, large" if size else "APPEND", bool(size))
    m = message("pipelined")
    first = n + 1
    n += 5
    t.send("".join(f"q{i} APPEND box {{{len(m)}+}}\r\n{m}\r\n" for i in range(first, n + 1)))
    for i in range(first, n + 1):
        t.until(f"q{i} OK")
    judged("imapd", "IMAP APPEND, five pipelined", rf"q{first} OK")
    t.ask("s1 SELECT box", "s1 OK")
    imap("COPY 1:2 INBOX", "COPY")
    imap("MOVE 1 INBOX", "MOVE")
    t.ask("s2 STORE 1:2 +FLAGS.SILENT (\\Deleted)", "s2 OK")
    imap("CHECK", "CHECK after STORE")
    t.ask("f0 STORE 3 +FLAGS.SILENT (\\Flagged)", "f0 OK")
    time.sleep(FLAGS_SYNCED_S)
    imap("NOOP", f"STORE is on the disk after {FLAGS_SYNCED_S} s, when NOOP")
    t.ask("s3 STORE 3 +FLAGS.SILENT (\\Deleted)", "s3 OK")
    imap("EXPUNGE")
    t.ask("s4 STORE 1 +FLAGS.SILENT (\\Deleted)", "s4 OK")
    imap("CLOSE", "CLOSE that expunges")
    imap("RENAME box pit")
    imap("SUBSCRIBE pit")
    imap("UNSUBSCRIBE pit")
    imap("DELETE pit")
    t.ask("s9 LOGOUT", "s9 OK")

    t = tcp(host, 110 + offset)
    t.until("+OK")
    t.ask(f"USER {u1}", "+OK")
    t.ask(f"PASS {password}", "+OK")
    t.ask("DELE 1", "+OK")
    line = t.ask("QUIT", "+OK")
    judged("pop3d", "POP3 QUIT", re.escape(line[:40]))


CALL = re.compile(r"^(\d+) +(\w+)\((.*)$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>")


class Call:
    def __init__(self, thread, name, rest, begun):
        self.thread, self.name, self.rest = thread, name, rest
        self.begun = self.ended = begun
        self.failed = False
        path = re.match(r"\d+<([^>]*)>", rest)
        self.path = path.group(1) if path else ""


def read_trace(path):
    calls, open_ones = [], {}
    with open(path, errors="replace") as f:
        for at, line in enumerate(f):
            if m := CALL.match(line):
                c = Call(*m.groups(), at)
                calls.append(c)
                c.failed = " = -1" in line
                if "<unfinished" in line:
                    open_ones[m[1]] = c
                    c.ended = 1 << 60
            elif (m := RESUMED.match(line)) and m[1] in open_ones:
                c = open_ones.pop(m[1])
                c.ended = at
                c.failed = " = -1" in line
    return calls


SYNCS = ("fdatasync", "fsync")


def to_wal(c):
    return c.path.endswith("mail.db-wal")


def judge_reply(calls, pattern, big, since):
    """What is wrong with the reply, or None; and where it stands."""
    replies = [c for c in calls if c.begun > since and "socket:" in c.path.lower() or c.begun > since and "TCP" in c.path or c.begun > since and "UNIX" in c.path]
    reply = next((c for c in replies if re.search(pattern, c.rest)), None)
    if not reply:
        return "the reply is not in the trace", since
    before = [c for c in calls if since < c.begun < reply.begun]
    writes = [c for c in before if c.name.startswith("pwrite") and to_wal(c)]
    syncs = [c for c in before if c.name in SYNCS and c.ended < reply.begun and not c.failed]
    if not writes:
        return "nothing was written to a WAL", reply.begun
    for wal in {c.path for c in writes}:
        last = max(c.ended for c in writes if c.path == wal)
        if not any(c.path == wal and c.begun > last for c in syncs):
            return f"no sync of {wal} between its last write and the reply", reply.begun
    if big:
        first = min(c.begun for c in writes)
        spool = [c for c in syncs if "/spool/" in c.path]
        folder = [c for c in syncs if "/blobs/" in c.path]
        if not spool:
            return "the file was not synced", reply.begun
        if not folder or max(c.ended for c in spool) > max(c.begun for c in writes):
            return f"file or folder were synced after the row was written ({first})", reply.begun
    return None, reply.begun


def judge(where):
    traces = {os.path.basename(p)[:-6]: read_trace(p) for p in glob.glob(where + "/*.trace")}
    at = dict.fromkeys(traces, -1)
    with open(where + "/talk") as f:
        for line in f:
            daemon, what, pattern, big = line.rstrip("\n").split("\t")
            wrong, at[daemon] = judge_reply(traces[daemon], pattern, big == "1", at[daemon])
            print(f"FAIL {what}: {wrong}" if wrong else f"ok {what} is answered after its sync")


if __name__ == "__main__":
    {"talk": talk, "judge": judge}[sys.argv[1]](*sys.argv[2:])
