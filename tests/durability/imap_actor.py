"""A mail program that does everything to one account, whose server is killed, and which holds what it finds afterwards
against the states that are allowed (model.py)."""
import collections
import re
import threading
import time

import model
from ledger import judge
from quick_imap import Imap, Refused
from recount import Recount

FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Draft", "k1", "k2", "k3"]
BOX_MAX, ACCOUNT_MAX, FOLDERS_MAX = 120, 500, 12
LOOK_EACH = 300  # batches
REST_TRIES = 10  # a delivery that was cut off may still be at work behind the last of them


def octets(name):
    filler = "x" * 60 + "\r\n"
    n = 1200 if name.endswith("77") else 3
    return f"From: a@b.test\r\nTo: c@d.test\r\nSubject: {name}\r\n\r\n{filler * n}".encode()


class ImapActor(threading.Thread):
    def __init__(self, suite, account, random, wrongs, ledger, over):
        super().__init__()
        self.suite, self.account, self.random, self.wrongs, self.ledger, self.over = suite, account, random, wrongs, ledger, over
        self.gets_mail = account in ledger.of
        self.state = None  # the acknowledged one
        self.flying = []  # commands sent and not answered
        self.validity = 0  # the highest shown
        self.came, self.inbox_uids = {}, set()
        self.named = 0
        self.acked = collections.Counter()
        self.found_done = self.found_undone = self.looks = self.recounts = self.batches = 0
        self.settled = False  # nothing arrives any more
        self.imap, self.box = None, None
        self.broken = None

    def wrong(self, kind, what):
        self.wrongs.add(kind, self.account, what)

    # -- looking ----------------------------------------------------------------------------------

    def read_folder(self, name, recount):
        recount.before(name)
        about = self.imap.select(name)
        self.box = name
        messages, size = {}, 0
        if about["EXISTS"]:
            for uid, (text, literals) in self.imap.fetch("1:*", "UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)]").items():
                flags = frozenset(re.search(rb"FLAGS \((.*?)\)", text)[1].decode().split()) - {"\\Recent"}
                subject = re.match(rb"Subject: (\S+)", literals[0])[1].decode()
                size += int(re.search(rb"RFC822.SIZE (\d+)", text)[1])
                messages[uid] = (subject, flags)
        f = model.Folder(about["UIDVALIDITY"], max([about["UIDNEXT"]] + [u + 1 for u in messages]), messages, modseq=about["HIGHESTMODSEQ"])
        recount.after(name, f, size)
        return f

    def names_of(self, command):
        return [re.search(r'"?([^" ]+)"?$', t.decode())[1] for t, _ in self.imap.cmd(f'{command} "" "*"')[0] if t.startswith(b"* " + command.encode())]

    def read_once(self):
        """(state, what was counted)"""
        recount = Recount(self.imap, self.wrong)
        names, subscribed = self.names_of("LIST"), self.names_of("LSUB")
        state = model.State({name: self.read_folder(name, recount) for name in names}, subscribed)
        if why := recount.all_read():
            self.wrong("quota", f"{why}; {recount}; check: {self.suite.command('check', self.account)}")
        return state, recount

    def read(self):
        state, recount = self.read_once()
        for _ in range(REST_TRIES if self.settled else 0):
            if not recount.restless:
                break
            time.sleep(0.2)
            state, recount = self.read_once()
        if recount.restless and (self.settled or not self.gets_mail):
            self.wrong("restless", f"nobody is at work, and yet {recount.restless}; {recount}")
        self.recounts += not recount.restless
        return state

    def look(self):
        """Reads everything; it must be one of the states that may be."""
        known = self.ledger.known(self.account) if self.gets_mail else {}
        actual = self.read()
        self.looks += 1
        if self.state:
            may = [self.state]
            for command in self.flying:
                may.append(command.effect(may[-1]))
            why = [model.differs(s, actual) for s in may]
            if None not in why:
                self.wrong("state", f"{why[0]}" + (f"; or else {why[-1]}" if self.flying else "") + f"; in flight {[str(c.wire)[:80] for c in self.flying]}")
            elif self.flying:
                done = len(why) - 1 - why[::-1].index(None)
                self.found_done += done > 0
                self.found_undone += done == 0
            before = self.state.folders["INBOX"].messages
        else:
            before = self.inbox_uids
        self.flying = []
        self.arrive({u: m[0] for u, m in actual.folders["INBOX"].messages.items() if u not in before})
        self.state = actual
        self.note_validity()
        judge(self.wrongs, self.account, known, self.came, False)

    def last_look(self):
        """While nobody is at work."""
        self.settled = True
        self.look()

    def note_validity(self):
        self.validity = max([self.validity] + [f.validity or 0 for f in self.state.folders.values()])

    def arrive(self, new):
        for uid, name in new.items():
            m = model.ARRIVED.match(name)
            if not m:
                continue
            if uid in self.inbox_uids:
                self.wrong("uid", f"INBOX UID {uid} was given out twice")
            self.came[int(m[1])] = self.came.get(int(m[1]), 0) + 1
        self.inbox_uids.update(new)

    def scan(self):
        """What has arrived in INBOX meanwhile."""
        f = self.state.folders["INBOX"]
        self.choose_box("INBOX")
        known = self.ledger.known(self.account)
        self.imap.cmd("NOOP")  # FETCH speaks of what the session has been told of
        found = {}
        for uid, (text, literals) in self.imap.fetch(f"{f.next}:*", "UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)]").items():
            flags = frozenset(re.search(rb"FLAGS \((.*?)\)", text)[1].decode().split()) - {"\\Recent"}
            found[uid] = (re.match(rb"Subject: (\S+)", literals[0])[1].decode(), flags)
        for uid, message in found.items():
            if f.messages.get(uid, message) != message:
                self.wrong("state", f"INBOX UID {uid} is {message}, should be {f.messages[uid]}")
        self.arrive({u: m[0] for u, m in found.items() if u not in f.messages})
        if found:
            self.state = self.state.set({"INBOX": f.but(messages={**f.messages, **found}, next_uid=max(found) + 1)})
        judge(self.wrongs, self.account, known, self.came, False)

    # -- doing ------------------------------------------------------------------------------------

    def choose_box(self, name):
        if self.box != name:
            about = self.imap.select(name)
            self.box = name
            f = self.state.folders[name]
            if not f.may_have(about["UIDVALIDITY"]) or about["UIDNEXT"] < f.next:
                self.wrong("uid", f"{name}: {about}, was UIDVALIDITY {f.validity or f.beyond} UIDNEXT {f.next}")
            self.state = self.state.set({name: f.but(validity=about["UIDVALIDITY"])})

    def names(self, n):
        self.named += n
        return [f"{self.account.split('@')[0]}-{self.named - i}" for i in range(n)]

    def some(self, f, most):
        uids = sorted(f.messages)
        if not uids:
            return []
        if self.random.random() < 0.3:
            at = self.random.randrange(len(uids))
            return uids[at:at + self.random.randint(1, most)]
        return sorted(self.random.sample(uids, min(len(uids), self.random.randint(1, most))))

    def may_take(self, to, f, uids):
        return to != "INBOX" or not any(model.ARRIVED.match(f.messages[u][0]) for u in uids)

    def change_folders(self, state, what):
        mine = [n for n in state.folders if n.startswith("f") and n != self.box and not self.box.startswith(n + "/")]
        leaves = [n for n in mine if not any(o.startswith(n + "/") for o in state.folders)]
        name = f"f{self.random.randrange(30)}"
        if what == "create" and len(state.folders) < FOLDERS_MAX:
            tops = [n for n in state.folders if n.startswith("f") and "/" not in n]
            if tops and self.random.random() < 0.4:
                name = f"{self.random.choice(tops)}/{name}"
            return model.Create(name, self.validity) if name not in state.folders else None
        if what == "rename" and mine:
            old = self.random.choice(mine)
            return model.Rename(old, name) if not any(n == name or n.startswith(name + "/") for n in state.folders) else None
        if what == "delete" and leaves:
            return model.Delete(self.random.choice(leaves))
        return None

    def choose(self, state):
        """A command that fits the state, or None."""
        f = state.folders[self.box]
        total = sum(len(g.messages) for g in state.folders.values())
        what = self.random.choices(["append", "store", "copy", "move", "delete mail", "expunge", "replace", "create", "rename", "delete", "subscribe"],
                                   [25, 18, 10, 15, 12, 8, 5, 4, 3, 2, 2])[0]
        if len(f.messages) > BOX_MAX or total > ACCOUNT_MAX:
            what = self.random.choice(["delete mail", "delete mail", "expunge", "move"])
        if what in ("create", "rename", "delete"):
            return self.change_folders(state, what)
        if what == "append":
            return model.Append(self.random.choice(list(state.folders)), self.names(self.random.choice([1, 1, 1, 2, 4])), self.random.sample(FLAGS, self.random.randint(0, 2)), octets)
        if what == "subscribe":
            lasting = [n for n in state.folders if not n.startswith("f")]
            return model.Subscribe(self.random.choice(lasting), self.random.random() < 0.5)
        if what == "expunge":
            return model.Expunge(self.box, self.some(f, 20) if self.random.random() < 0.5 else None)
        uids = self.some(f, 60 if what == "delete mail" else 12)
        if not uids:
            return None
        if what == "replace":
            return model.Replace(self.box, self.random.choice(uids), self.random.choice(list(state.folders)), *self.names(1), self.random.sample(FLAGS, 1), octets)
        if what == "delete mail":
            return model.Store(self.box, uids, "+", ["\\Deleted"])
        if what == "store":
            return model.Store(self.box, uids, self.random.choice(["+", "-", ""]), self.random.sample(FLAGS, self.random.randint(1, 3)))
        others = [n for n in state.folders if n != self.box]
        to = self.random.choice(others) if others else "INBOX"
        if to == self.box or not self.may_take(to, f, uids):
            return None
        return (model.Copy if what == "copy" else model.Move)(self.box, uids, to)

    def rename_inbox(self):
        name = f"f{self.random.randrange(30)}"
        if len(self.state.folders) < FOLDERS_MAX and not any(n == name or n.startswith(name + "/") for n in self.state.folders):
            self.choose_box("Drafts")
            self.run_commands([model.RenameInbox(name, self.validity)])
            self.look()  # for the UIDs

    def batch(self):
        commands, state = [], self.state
        for _ in range(self.random.choice([1, 1, 1, 2, 3, 4])):
            command = self.choose(state)
            if command:
                commands.append(command)
                state = command.effect(state)
        if self.random.random() < 0.03:
            commands.append(model.Close(self.box))
        self.run_commands(commands)
        if commands and commands[-1].wire == "CLOSE":
            self.box = None

    def run_commands(self, commands):
        self.flying = list(commands)
        for command, tag in zip(commands, self.imap.send([c.wire for c in commands])):
            untagged, words = self.imap.answer(tag)
            told = " ".join(t.decode("latin1") for t, _ in untagged if t.startswith(b"* OK ["))
            self.state = command.learn(command.effect(self.state), told + words)
            self.flying.pop(0)
            self.acked[type(command).__name__] += 1
        self.note_validity()
        self.batches += 1

    def work(self):
        self.look()
        while not self.over.is_set():
            if self.random.random() < 0.1:
                self.choose_box(self.random.choice(list(self.state.folders)))
            if self.gets_mail and self.random.random() < 0.1:
                self.scan()
            if not self.gets_mail and self.random.random() < 0.005:
                self.rename_inbox()
            if self.box not in self.state.folders:
                self.choose_box("INBOX")
            self.batch()
            if self.batches % LOOK_EACH == 0:
                self.look()

    def connect(self):
        self.imap, self.box = Imap(self.suite.port(143), self.account, self.suite.password), None

    def attempt(self, what):
        """Whether it was done before the connection broke."""
        try:
            self.connect()
            what()
            return True
        except (OSError, EOFError):
            time.sleep(0.005)
        except Refused as e:
            self.wrong("refused", str(e))
            time.sleep(0.1)
        except ValueError as e:
            self.wrong("uid", str(e))
            self.state = None
        finally:
            if self.imap:
                self.imap.close()
                self.imap = None
        return False

    def run(self):
        try:
            while not self.over.is_set():
                self.attempt(self.work)
        except Exception as e:  # a fault of the test itself must not pass for a good run
            self.broken = e
            raise
