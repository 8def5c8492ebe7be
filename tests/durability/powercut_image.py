"""Images of the disk on a file system in memory, and what a store makes of them (powercut_reader.c)."""
import collections
import os
import shutil
import subprocess

Mailbox = collections.namedtuple("Mailbox", "name uidvalidity uidnext modseq subscribed")
Message = collections.namedtuple("Message", "mailbox uid flags subject body whole")
FLAGGED = 4


class Part:
    """What the store told of one part."""

    def __init__(self):
        self.problems, self.accounts, self.mailboxes, self.messages, self.queued = [], {}, {}, [], []
        self.probe = None


def part_of(path):
    top = path.split("/", 2)
    if top[0] == "accounts" and len(top) > 2:
        return top[1]
    for name in ("directory", "queue", "trace"):
        if top[0] == name or top[0].startswith(name + ".db"):
            return name
    return "rest"


class Images:
    def __init__(self, reader, where, log):
        self.where, self.written = where, {}
        self.known = {}  # (part, key) -> Part
        self.asked = 0
        self.log = open(log, "ab")
        self.process = subprocess.Popen([reader], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, errors="replace")

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.where, ignore_errors=True)

    def lay(self, part, files, directories, missing, torn):
        """Makes the part's files what they are in this image."""
        for path in reversed(self.written.pop(part, ())):
            full = os.path.join(self.where, path)
            if os.path.isdir(full):
                shutil.rmtree(full)
            elif os.path.exists(full):
                os.unlink(full)
        tops = []
        for d in sorted(directories):
            if d != "accounts":
                os.makedirs(os.path.join(self.where, d), exist_ok=True)
                tops.append(d)
        for path, node in files:
            with open(os.path.join(self.where, path), "wb") as f:
                f.write(node.content(missing, torn))
            if part == "rest" or not path.startswith("accounts/"):
                tops += [path, path + "-wal", path + "-shm", path + "-journal"]
        self.written[part] = tops

    def look(self, disk, missing, torn):
        """{part: Part} of an image; a part that was seen before is not looked at again."""
        files, directories = disk.tree(missing, torn)
        os.makedirs(os.path.join(self.where, "accounts"), exist_ok=True)
        parts = collections.defaultdict(lambda: ([], []))
        for path, node in files.items():
            parts[part_of(path)][0].append((path, node))
        for d in directories:
            parts[part_of(d + "/")][1].append(d)
        keys = {p: (tuple(sorted((path, node.key(missing, torn)) for path, node in f)), tuple(sorted(d))) for p, (f, d) in parts.items()}

        accounts = [p for p in parts if p.isdigit()]
        databases = tuple(sorted(p for p in files if p.endswith("/mail.db")))
        found = {}

        def get(wanted):
            for p in wanted:
                # the directory has to do with which accounts have files, an account's limits stand in the directory
                key = (p, keys.get(p), databases if p == "directory" else keys.get("directory") if p.isdigit() else None)
                if key not in self.known:
                    for other in {p, "directory", "trace", "rest", *(accounts if p == "directory" else [])}:
                        self.lay(other, *parts[other], missing, torn)
                    self.known[key] = self.ask(p)
                found[p] = self.known[key]

        get(["directory", "queue", "trace"])
        get(list(found["directory"].accounts))
        return found

    def ask(self, part):
        self.asked += 1
        self.process.stdin.write(f"{self.where} {part}\n")
        self.process.stdin.flush()
        got = Part()
        for line in self.process.stdout:
            what, *f = line.rstrip("\n").split("\t")
            if what == "end":
                return got
            if what == "problem":
                got.problems.append(f[0])
            elif what == "account":
                got.accounts[f[0]] = f[1]
            elif what == "mailbox":
                got.mailboxes[int(f[1])] = Mailbox(f[2], int(f[3]), int(f[4]), int(f[5]), f[6] == "1")
            elif what == "message":
                got.messages.append(Message(int(f[1]), int(f[2]), int(f[3]), f[4], f[5], f[6]))
            elif what == "probe":
                got.probe = tuple(int(x) for x in f[1:])
            elif what == "queued":
                got.queued.append((f[1], f[2], f[3], f[4]))
        got.problems.append("the reader has died")
        raise SystemExit(f"{self.where}: the reader has died; see its log")


def state_of(found, bodies):
    """What an image holds, as an act's `after` says it; and what is wrong with it whatever was promised."""
    wrong = [f"{part}: {p}" for part, x in found.items() for p in x.problems]
    accounts = {}
    for number, address in found["directory"].accounts.items():
        x = found[number]
        a = {"boxes": {m.name: [] for m in x.mailboxes.values()}, "subscribed": sorted(m.name for m in x.mailboxes.values() if m.subscribed), "flagged": []}
        for i, m in x.mailboxes.items():
            if i == 0:
                a["boxes"].pop(m.name, None)
        for m in x.messages:
            mark = m.subject if m.subject in bodies else "report"
            if bodies.get(mark, m.body) != m.body:
                wrong.append(f"{address}: message {m.subject} is not whole")
            a["boxes"][x.mailboxes[m.mailbox].name].append(mark)
            if m.flags & FLAGGED:
                a["flagged"].append(mark)
        for b in a["boxes"].values():
            b.sort()
        a["flagged"].sort()
        accounts[address] = a
    queue = []
    for rcpt, subject, body, _ in found["queue"].queued:
        mark = subject if subject in bodies else "report"
        if bodies.get(mark, body) != body:
            wrong.append(f"queue: message {subject} is not whole")
        queue.append([rcpt, mark])
    return {"accounts": accounts, "queue": sorted(queue)}, wrong
