#!/usr/bin/env python3
"""Many random sessions that keep a copy of a mailbox, against a plain model of what the mailbox is.

    imap_sync_model.py HOST IMAP_PORT USER PASSWORD EPISODES FREE_SECONDS SEED

An episode has two mailboxes and some clients, each of its own kind: plain, CONDSTORE, QRESYNC, with or without IMAP4rev2,
UIDONLY, NOTIFY and COMPRESS (what the server offers). They take turns, so the model (World) knows what every command does: each untagged
response, UID, MODSEQ, sequence number, count and search result is compared with it, and clients that were away for a while
must come back to exactly the mailbox's state with what RFC 7162 gives them. One seed gives one course, whatever the timing.
After the episodes clients do the same all at once, for FREE_SECONDS: then only what holds at every moment is checked, and
at rest every copy must be the mailbox's state.
"""
import random
import re
import socket
import sys
import threading
import time
import zlib

from imapwire import Imap, Wrong, items, parse

SYSTEM = ["\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "\\Draft"]
FLAGS = SYSTEM + ["$one", "two"]
WORDS = ["apple", "pear", "plum"]


def expand(text):
    """The numbers of a set without "*"."""
    out = []
    for part in text.split(","):
        lo, _, hi = part.partition(":")
        lo, hi = int(lo), int(hi or lo)
        out += range(min(lo, hi), max(lo, hi) + 1)
    return out


def compact(numbers):
    """A set as clients write it."""
    out = []
    for n in sorted(numbers):
        if out and out[-1][1] == n - 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return ",".join(f"{lo}:{hi}" if hi > lo else str(lo) for lo, hi in out)


# ------------------------------------------------------------------------------------------------------------------------
# the model


class Message:
    def __init__(self, uid, flags, word, size):
        self.uid, self.flags, self.word, self.size = uid, frozenset(flags), word, size
        self.modseq = None


class Box:
    """What a mailbox holds. Commands change it by the book; after each the server is asked whether it agrees."""

    def __init__(self, name):
        self.name, self.messages, self.next_uid, self.highest, self.changes = name, {}, 1, None, 0
        self.graves = []  # (uid, highest modseq before, after)
        self.validity = None

    def uids(self):
        return sorted(self.messages)

    def add(self, flags, word, size):
        uid = self.next_uid
        self.next_uid += 1
        self.messages[uid] = Message(uid, flags, word, size)
        return uid

    def vanished_since(self, n):
        """(certainly, possibly) expunged after the modseq n"""
        return {u for u, before, _ in self.graves if n <= before}, {u for u, _, after in self.graves if n < after}


class World:
    def __init__(self, make_observer):
        self.observer = make_observer()
        self.boxes = {}
        self.exact = True  # the clients take turns

    def make(self, name):
        self.observer.cmd(f"CREATE {name}")
        self.boxes[name] = Box(name)
        self.look(self.boxes[name])

    def read(self, box):
        """(uidvalidity, uidnext, highestmodseq, {uid: (flags, modseq)}) as a new session sees the mailbox."""
        untagged, _ = self.observer.cmd(f"EXAMINE {box.name} (CONDSTORE)")
        text = b"\n".join(r[0] for r in untagged).decode()
        validity, next_uid, highest = (int(re.search(rf"\[{k} (\d+)\]", text)[1]) for k in ("UIDVALIDITY", "UIDNEXT", "HIGHESTMODSEQ"))
        count = int(re.search(r"^\* (\d+) EXISTS", text, re.M)[1])
        seen = {}
        if count:
            untagged, _ = self.observer.cmd("UID FETCH 1:* (FLAGS MODSEQ)")
            for n, r in enumerate(untagged):
                m = re.match(rb"\* (\d+) FETCH ", r[0])
                if not m:
                    raise Wrong(f"observer: {r[0]}")
                if int(m[1]) != n + 1:
                    raise Wrong(f"observer: FETCH {m[1]} in the place of {n + 1}")
                got = items(parse([r[0][m.end():]]))
                seen[int(got["UID"])] = (frozenset(f.lower() for f in got["FLAGS"] if f != "\\Recent"), int(got["MODSEQ"][0]))
        if len(seen) != count or sorted(seen) != list(seen):
            raise Wrong(f"observer: {count} EXISTS, UIDs {list(seen)}")
        return validity, next_uid, highest, seen

    def look(self, box, removed_maybe=(), flags_maybe=()):
        """The server's state must be the model's; it tells the modseqs, which must fit. removed_maybe: what an EXPUNGE of a
        session may have left, which did not know of its \\Deleted yet; flags_maybe: {uid: flags} that may not have come to be."""
        validity, next_uid, highest, seen = self.read(box)
        if box.validity not in (None, validity):
            raise Wrong(f"{box.name}: UIDVALIDITY {validity}, was {box.validity}")
        box.validity = validity
        if next_uid != box.next_uid:
            raise Wrong(f"{box.name}: UIDNEXT {next_uid}, not {box.next_uid}")
        for uid, message in removed_maybe:
            if uid in seen:
                box.messages[uid] = message
        if set(seen) != set(box.messages):
            raise Wrong(f"{box.name}: has {compact(seen)}, not {compact(box.messages)}")
        changed = False
        for uid, message in box.messages.items():
            flags, modseq = seen[uid]
            if flags != message.flags:
                raise Wrong(f"{box.name}: UID {uid} has {sorted(flags)}, not {sorted(message.flags)}")
            if modseq > highest:
                raise Wrong(f"{box.name}: MODSEQ {modseq} of UID {uid} over HIGHESTMODSEQ {highest}")
            if message.modseq is None:  # it has changed: RFC 7162 section 3.1: a strictly greater one
                if box.highest is not None and modseq <= box.highest:
                    raise Wrong(f"{box.name}: UID {uid} changed, its MODSEQ {modseq} is not over {box.highest}")
                changed = True
            elif message.modseq != modseq:
                raise Wrong(f"{box.name}: UID {uid} did not change, its MODSEQ did from {message.modseq} to {modseq}")
            message.modseq = modseq
        if box.highest is not None and highest < box.highest:
            raise Wrong(f"{box.name}: HIGHESTMODSEQ fell from {box.highest} to {highest}")
        gone = [g for g in box.graves if g[2] is None]
        gone = [g for g in gone if g[0] not in seen]
        if (gone or changed) and highest == box.highest:
            raise Wrong(f"{box.name}: HIGHESTMODSEQ is still {highest} after a change")
        if box.highest is not None and highest != box.highest and not (gone or changed):
            raise Wrong(f"{box.name}: HIGHESTMODSEQ went from {box.highest} to {highest} without a change")
        box.graves = [g for g in box.graves if g[2] is not None] + [(u, before, highest) for u, before, _ in gone]
        if gone or changed:
            box.changes += 1
        box.highest = highest

    def adopt(self, box):
        """After a time in which all acted at once, the server's word is the model's."""
        validity, next_uid, highest, seen = self.read(box)
        if box.validity not in (None, validity):
            raise Wrong(f"{box.name}: UIDVALIDITY {validity}, was {box.validity}")
        before = box.highest or 0
        if next_uid < box.next_uid or highest < before:
            raise Wrong(f"{box.name}: UIDNEXT {next_uid} after {box.next_uid}, HIGHESTMODSEQ {highest} after {before}")
        for uid in set(box.messages) - set(seen):
            box.graves.append((uid, before, highest))
            del box.messages[uid]
        for uid, (flags, modseq) in seen.items():
            if uid < box.next_uid and uid not in box.messages:
                raise Wrong(f"{box.name}: UID {uid} came after {box.next_uid}")
            message = box.messages.setdefault(uid, Message(uid, flags, None, None))
            if message.modseq == modseq and message.flags != flags:
                raise Wrong(f"{box.name}: UID {uid} changed at the same MODSEQ {modseq}")
            if message.modseq is not None and message.modseq > modseq:
                raise Wrong(f"{box.name}: MODSEQ of UID {uid} fell from {message.modseq} to {modseq}")
            message.flags, message.modseq = flags, modseq
        box.next_uid, box.highest, box.validity = next_uid, highest, validity
        box.changes += 1

    # what commands do

    def remove(self, box, uids):
        out = []
        for uid in uids:
            message = box.messages.pop(uid, None)
            if message:
                box.graves.append((uid, box.highest, None))
                out.append((uid, message))
        return out

    def set_flags(self, box, uids, sign, flags):
        flags = frozenset(f.lower() for f in flags)
        for uid in uids:
            message = box.messages[uid]
            new = {"+": message.flags | flags, "-": message.flags - flags, "": flags}[sign]
            if new != message.flags:
                message.flags, message.modseq = new, None

    def copy(self, box, uids, target):
        return [target.add(box.messages[u].flags, box.messages[u].word, box.messages[u].size) for u in sorted(uids)]


# ------------------------------------------------------------------------------------------------------------------------
# the wire


class Wire(Imap):
    """Imap with COMPRESS=DEFLATE (RFC 4978), and with what was said kept for the report."""

    def __init__(self, host, port):
        self.inflate = None
        self.said = []
        super().__init__(host, port)

    def fill(self):
        d = self.sock.recv(262144)
        if not d:
            raise EOFError("connection closed")
        self.buf += self.inflate.decompress(d) if self.inflate else d

    def exactly(self, n):
        while len(self.buf) < n:
            self.fill()
        r, self.buf = self.buf[:n], self.buf[n:]
        return r

    def sendall(self, data):
        self.sock.sendall(self.deflate.compress(data) + self.deflate.flush(zlib.Z_SYNC_FLUSH) if self.inflate else data)

    def cmd(self, text, literal=None):
        self.n += 1
        self.sendall(b"a%d %s\r\n" % (self.n, text.encode()))
        return self.collect(b"a%d" % self.n, text)

    def compress(self):
        self.cmd("COMPRESS DEFLATE")
        self.deflate, self.inflate = zlib.compressobj(wbits=-15), zlib.decompressobj(wbits=-15)

    def response(self):
        r = super().response()
        self.said = self.said[-60:] + ["S: " + " ".join(repr(x[1])[:40] if isinstance(x, tuple) else x.decode("latin1") for x in r)[:400]]
        return r


class Known:
    """What a client knows of a message."""

    def __init__(self, uid=None):
        self.uid, self.flags, self.modseq = uid, None, None


class Client:
    KINDS = ["plain", "condstore", "qresync", "qresync"]

    def __init__(self, world, connect, name, seed):
        self.random, self.world, self.connect, self.name = random.Random(seed), world, connect, name
        self.kind = self.random.choice(self.KINDS)
        self.compressed = self.random.random() < 0.25
        self.rev2 = self.random.random() < 0.3
        self.uid_only = self.kind == "qresync" and self.random.random() < 0.25
        self.wants_notify = self.random.random() < 0.3
        self.wire, self.box, self.list, self.sessions, self.commands, self.tag = None, None, [], 0, 0, None
        self.cache = {}  # box name: (uidvalidity, modseq, {uid: Known}) while it is not selected
        self.idling = self.notified = self.closing = False

    # -- connection

    def arrive(self):
        self.wire = self.connect()
        self.sessions += 1
        self.box, self.list, self.read_only, self.condstore, self.qresync, self.idling, self.notified = None, [], False, False, False, False, False
        self.code_modseq, self.synced, self.synced_next = None, {}, 1
        _, tagged = self.wire.cmd(f"{USER}")
        offered = re.search(rb"CAPABILITY ([^\]]*)", tagged)
        self.offered = set(offered[1].decode().split()) if offered else set()
        if self.compressed:
            self.wire.compress()
        enable = ["CONDSTORE"] if self.kind == "condstore" and self.random.random() < 0.5 else ["QRESYNC"] if self.kind == "qresync" else []
        self.new_names = self.rev2 and "IMAP4rev2" in self.offered
        if self.new_names:
            enable.append("IMAP4rev2")
        self.only_uids = self.uid_only and "UIDONLY" in self.offered
        if self.only_uids:
            enable.append("UIDONLY")
        if enable:
            untagged, _ = self.wire.cmd("ENABLE " + " ".join(enable))
            told = b" ".join(r[0] for r in untagged).decode().upper().split()
            if not set(x.upper() for x in enable) <= set(told):
                raise Wrong(f"ENABLE {enable}: {told}")
        self.qresync = "QRESYNC" in enable
        self.condstore = bool({"CONDSTORE", "QRESYNC"} & set(enable))
        self.watched, self.told_status, self.asked = {}, {}, None
        if self.wants_notify and "NOTIFY" in self.offered:
            self.notify()

    def notify(self):
        """RFC 5465: the mailbox that is selected, where EXPUNGE waits for a command that may have it, and all there are here."""
        boxes = " ".join(sorted(self.world.boxes))
        items = " ".join([*["UID"] * (not self.only_uids), "FLAGS", *["MODSEQ"] * self.condstore])
        self.do(f"NOTIFY SET{self.random.choice(['', ' STATUS'])} (selected-delayed (MessageNew ({items}) MessageExpunge FlagChange)) "
                f"(mailboxes ({boxes}) (MessageNew MessageExpunge FlagChange))")
        self.notified = True
        for box in self.world.boxes.values():
            self.watch(box)

    def watch(self, box):
        """From now on what others change in the mailbox comes as STATUS."""
        self.told_status.pop(box.name, None)
        self.watched.pop(box.name, None)
        if self.world.exact:
            self.watched[box.name] = (len(box.messages), box.next_uid)

    def heard(self):
        """Is what was told of the mailboxes that are not selected what they are now?"""
        for box in self.world.boxes.values():
            if box is not self.box and box.name in self.watched:
                now, told = (len(box.messages), box.next_uid), self.told_status.get(box.name, {})
                if now != self.watched[box.name] and now != (told.get("MESSAGES"), told.get("UIDNEXT", now[1])):
                    return f"{box.name} has {now}, was {self.watched[box.name]}; told {told}"
        return None

    def leave(self, politely):
        """Keeps what it knows for the time it comes back."""
        if self.idling:
            politely = False
        self.put_away()
        if politely:
            self.wire.cmd("LOGOUT")
        self.wire.sock.close()
        self.wire, self.box, self.idling = None, None, False

    def put_away(self):
        if self.box is None:
            return
        if self.notified:
            self.watch(self.box)
        if all(k.uid for k in self.list) and self.kind != "plain" and self.modseq:
            self.cache[self.box.name] = (self.box.validity, self.modseq, {k.uid: k for k in self.list})
        else:
            self.cache.pop(self.box.name, None)

    # -- commands and what they bring

    def start(self, text, literal=None):
        self.commands += 1
        w = self.wire
        w.n += 1
        self.changing = bool(re.match(r"(UID )?(EXPUNGE|MOVE|COPY|STORE|FETCH|APPEND)|CLOSE", text))
        self.tag, self.command = b"%s%d" % (self.name.encode(), w.n), text
        w.said = w.said[-60:] + [f"C: {self.tag.decode()} {text}"]
        data = self.tag + b" " + text.encode()
        if literal is not None:
            data += b" {%d+}\r\n" % len(literal) + literal
        self.fresh, self.code_modseq, self.found, self.copyuid, self.status, self.esearch, self.earlier, self.news = [], None, None, None, {}, None, [], set()
        self.reported = {}
        w.sendall(data + b"\r\n")

    def do(self, text, literal=None, fails=None):
        """Gives the tagged line's text. fails: a pattern of NO that is right."""
        self.start(text, literal)
        return self.finish(fails)

    def finish(self, fails=None):
        while True:
            r = self.wire.response()
            head = r[0].decode("latin1")
            if head.startswith("* "):
                self.untagged(r, head[2:])
            elif head.startswith("+"):
                return head
            elif head.startswith(self.tag.decode() + " "):
                answer = head[len(self.tag) + 1:]
                break
            else:
                raise Wrong(f"unexpected {head}")
        if not answer.startswith("OK") and not (fails and re.match(fails, answer)):
            raise Wrong(f"{self.command}: {answer}")
        if m := re.search(r"\[COPYUID (\d+) (\S+) (\S+)\]", answer):
            self.copyuid = m
        self.note_highest(answer)
        self.take_stock()
        return answer

    def own_change(self, box):
        if self.notified:
            self.watch(box)

    def take_stock(self):
        """RFC 7162 section 6: what a client may say next time it knows."""
        if self.code_modseq:
            self.modseq = self.code_modseq
        elif self.fresh and self.box and self.modseq:
            self.modseq = max(self.modseq, *self.fresh)
        self.fresh, self.code_modseq = [], None

    def note_highest(self, text):
        if m := re.search(r"\[HIGHESTMODSEQ (\d+)\]", text):
            if not self.condstore and not self.command.startswith(("SELECT", "EXAMINE")):
                raise Wrong(f"{text} for a client that did not ask")
            self.code_modseq = int(m[1])
            if self.world.exact and self.box and self.code_modseq > self.box.highest and not self.changing:
                raise Wrong(f"{text}, the mailbox is at {self.box.highest}")

    def untagged(self, r, line):
        word = self.command.split()[0]
        if m := re.match(r"(\d+) (EXISTS|RECENT|EXPUNGE|FETCH|UIDFETCH)\b", line):
            if self.box is None and word not in ("SELECT", "EXAMINE"):
                raise Wrong(f"{line} without a mailbox")
            n = int(m[1])
            if m[2] == "EXISTS":
                self.on_exists(n)
            elif m[2] == "EXPUNGE":
                self.on_expunge(n, word)
            elif m[2] == "RECENT":
                if self.new_names:
                    raise Wrong("RECENT though IMAP4rev2 is enabled")
            else:
                if (m[2] == "UIDFETCH") != self.only_uids:
                    raise Wrong(line)
                self.on_fetch(n, items(parse([r[0][2 + m.end() + 1:]] + r[1:])), word)
        elif m := re.match(r"VANISHED (\(EARLIER\) )?([\d:,]+)$", line):
            if not self.qresync and not self.only_uids:
                raise Wrong(f"{line} without QRESYNC")
            if m[1]:
                self.earlier += expand(m[2])
            else:
                self.on_vanished(expand(m[2]), word)
        elif m := re.match(r"SEARCH((?: \d+)*)(?: \(MODSEQ (\d+)\))?$", line):
            self.found = ([int(x) for x in m[1].split()], m[2] and int(m[2]))
        elif line.startswith("ESEARCH"):
            self.esearch = line
        elif m := re.match(r'STATUS "?([\w-]+)"? \((.*)\)', line):
            got = dict(zip(m[2].split()[::2], map(int, m[2].split()[1::2])))
            if self.asked == (m[1], set(got)) and m[1] not in self.status:
                self.status[m[1]] = got
            elif not self.notified and word != "NOTIFY":
                raise Wrong(f"{line} unasked")
            else:
                self.told_status.setdefault(m[1], {}).update(got)
        elif m := re.match(r"OK \[COPYUID (\d+) (\S+) (\S+)\]", line):
            self.copyuid = m
        elif m := re.match(r"OK \[(UIDVALIDITY|UIDNEXT|UNSEEN) (\d+)\]", line):
            self.told[m[1]] = int(m[2])
        elif line.startswith("BYE") and word != "LOGOUT":
            raise Wrong(line)
        elif not re.match(r"(FLAGS \(|OK |CAPABILITY |LIST |BYE |NO )", line):
            raise Wrong(f"unknown response {line}")
        if line.startswith("OK [CLOSED]"):
            self.closing, self.list, self.fetched = False, [], {}
        elif line.startswith("OK "):
            self.note_highest(line)

    def on_exists(self, n):
        if n < len(self.list):
            raise Wrong(f"EXISTS {n}, had {len(self.list)}")
        self.list += [Known() for _ in range(n - len(self.list))]

    def on_expunge(self, n, word):
        if self.qresync or self.only_uids:
            raise Wrong("EXPUNGE though QRESYNC is enabled")  # RFC 7162 section 3.2.10
        if word in ("FETCH", "STORE", "SEARCH", "SORT", "THREAD"):
            raise Wrong(f"EXPUNGE in {self.command}")
        if not 1 <= n <= len(self.list):
            raise Wrong(f"EXPUNGE {n} of {len(self.list)}")
        del self.list[n - 1]

    def on_vanished(self, uids, word):
        if word in ("FETCH", "STORE", "SEARCH", "SORT", "THREAD"):
            raise Wrong(f"VANISHED in {self.command}")
        self.news.update(uids)
        for uid in uids:
            at = [i for i, k in enumerate(self.list) if k.uid == uid]
            if not at and self.only_uids:
                at = [i for i, k in enumerate(self.list) if k.uid is None]
            elif not at:  # one whose UID was not told yet: between those that are known
                lo = max((i for i, k in enumerate(self.list) if k.uid and k.uid < uid), default=-1)
                hi = min((i for i, k in enumerate(self.list) if k.uid and k.uid > uid), default=len(self.list))
                at = list(range(lo + 1, hi))
            if not at:
                raise Wrong(f"VANISHED {uid}, which is not there: {compact(k.uid for k in self.list if k.uid)}")
            del self.list[at[0]]

    def on_fetch(self, n, got, word):
        if self.only_uids:
            k = next((k for k in self.list if k.uid == n), None)
            if k is None:
                k = next((k for k in self.list if k.uid is None), None)
                if k is None:
                    raise Wrong(f"UIDFETCH {n}, known {compact(k.uid for k in self.list)}")
                k.uid = n
                self.list.sort(key=lambda k: k.uid or 1 << 40)
            if "UID" in got:
                raise Wrong(f"UID in UIDFETCH {got}")
        else:
            if not 1 <= n <= len(self.list):
                raise Wrong(f"FETCH {n} of {len(self.list)}")
            k = self.list[n - 1]
        if "UID" in got:
            uid = int(got["UID"])
            if k.uid not in (None, uid):
                raise Wrong(f"message {n} was UID {k.uid}, is {uid}")
            if any(x.uid and x.uid >= uid for x in self.list[:n - 1]) or any(x.uid and x.uid <= uid for x in self.list[n:]):
                raise Wrong(f"UID {uid} of message {n} out of order")
            k.uid = uid
        elif self.command.startswith("UID ") and not self.only_uids:
            raise Wrong(f"no UID in FETCH {n} {got} of {self.command}")
        elif self.qresync and not self.only_uids and "FLAGS" in got and word != "FETCH":
            raise Wrong(f"FLAGS without UID: {got}")
        if "MODSEQ" in got:
            if not self.condstore:
                raise Wrong(f"MODSEQ for a client that did not ask: {got}")
            modseq = int(got["MODSEQ"][0])
            if k.modseq and modseq < k.modseq:
                raise Wrong(f"MODSEQ of UID {k.uid} fell from {k.modseq} to {modseq}")
            if k.modseq == modseq and "FLAGS" in got and k.flags is not None and k.flags != self.flags_of(got):
                raise Wrong(f"UID {k.uid}: {k.flags} and {got['FLAGS']} at the same MODSEQ {modseq}")
            k.modseq = modseq
            self.fresh.append(modseq)
        elif self.condstore and "FLAGS" in got and not self.command.startswith(("FETCH", "UID FETCH")):
            raise Wrong(f"FLAGS without MODSEQ: {got} in {self.command}")  # RFC 7162 section 3.2.4
        if "FLAGS" in got:
            k.flags = self.flags_of(got)
        elif self.notified and ".SILENT" in self.command:
            k.flags = None  # news may have come before it
        if k.uid:
            self.reported[k.uid] = got
        if "BODY[]" in got and "RFC822.SIZE" in got and int(got["RFC822.SIZE"]) != len(got["BODY[]"]):
            raise Wrong(f"RFC822.SIZE {got['RFC822.SIZE']} of {len(got['BODY[]'])} octets")

    @staticmethod
    def flags_of(got):
        if len(set(got["FLAGS"])) != len(got["FLAGS"]):
            raise Wrong(f"a flag twice: {got}")
        return frozenset(f.lower() for f in got["FLAGS"]) - {"\\recent"}

    # -- checks against the model

    def up_to_date(self):
        """After a command that may tell everything."""
        if not self.world.exact or self.box is None:
            return
        uids = self.box.uids()
        if len(self.list) != len(uids):
            raise Wrong(f"believes {len(self.list)} messages, there are {len(uids)}: {compact(k.uid for k in self.list if k.uid)} and {compact(uids)}")
        for uid, k in zip(uids, self.list):
            if k.uid not in (None, uid) and not (self.only_uids and k.uid in self.box.messages):
                raise Wrong(f"believes UID {k.uid} in the place of {uid}")
        self.flags_hold()
        self.changes = self.box.changes

    def flags_hold(self):
        if not self.world.exact or self.box is None:
            return
        for k in self.list:
            message = self.box.messages.get(k.uid)
            if message and k.flags is not None and k.flags != message.flags:
                raise Wrong(f"believes {sorted(k.flags)} of UID {k.uid}, which has {sorted(message.flags)}")
            if message and k.modseq and k.flags is not None and self.condstore and k.modseq != message.modseq:
                raise Wrong(f"believes MODSEQ {k.modseq} of UID {k.uid}, which has {message.modseq}")

        self.synced_next = self.box.next_uid
        self.synced = {u: (m.flags, m.modseq) for u, m in self.box.messages.items()}

    def current(self):
        """Has it been told of everything?"""
        return self.world.exact and self.box is not None and getattr(self, "changes", None) == self.box.changes and len(self.list) == len(self.box.messages)

    # -- actions

    def select(self):
        if self.box is not None:
            self.put_away()
        box = self.world.boxes[self.random.choice(sorted(self.world.boxes))]
        # news of the mailbox before may come until it is closed: RFC 7162 section 3.2.11
        self.closing, self.told, self.modseq, self.fetched = self.box is not None, {}, None, {}
        if not self.closing:
            self.list = []
        self.box = None
        self.read_only = self.random.random() < 0.12
        verb = "EXAMINE" if self.read_only else "SELECT"
        cached = self.cache.pop(box.name, None)
        if self.qresync and cached and cached[0] == box.validity:
            self.resynchronise(verb, box, *cached)
        else:
            if self.kind == "condstore" and not self.condstore:
                self.condstore = True
                self.do(f"{verb} {box.name} (CONDSTORE)")
            else:
                self.do(f"{verb} {box.name}")
            self.opened(box)
            if self.world.exact and cached and cached[0] == box.validity and self.condstore and self.list and cached[2]:
                self.catch_up(*cached[1:])
            elif self.list:
                self.do("UID FETCH 1:* (FLAGS)" if self.only_uids or self.random.random() < 0.5 else "FETCH 1:* (UID FLAGS)")
                self.know_all()
        self.up_to_date()

    def know_all(self):
        if any(k.uid is None for k in self.list) and self.world.exact:
            raise Wrong("a message was not fetched")

    def opened(self, box):
        if self.closing:
            raise Wrong(f"{self.command} did not say CLOSED")
        self.box = box
        told = self.told
        if told.get("UIDVALIDITY") != box.validity:
            raise Wrong(f"{told}, UIDVALIDITY was {box.validity}")
        if self.condstore and not self.modseq:
            raise Wrong("no HIGHESTMODSEQ")
        if self.world.exact:
            unseen = [n + 1 for n, u in enumerate(box.uids()) if "\\seen" not in box.messages[u].flags]
            if told.get("UIDNEXT") != box.next_uid or len(self.list) != len(box.messages) or (self.modseq and self.modseq != box.highest):
                raise Wrong(f"{told} {len(self.list)} {self.modseq}; is {box.next_uid} {len(box.messages)} {box.highest}")
            if not self.new_names and not self.only_uids and told.get("UNSEEN") != (unseen[0] if unseen else None):
                raise Wrong(f"UNSEEN {told.get('UNSEEN')} of {unseen}")

    def resynchronise(self, verb, box, validity, modseq, known):
        """RFC 7162 section 3.2.5: VANISHED and FETCH make the old list the new one."""
        args, subset = "", None
        variant = self.random.randrange(4)
        if variant and known:
            subset = set(known) if variant > 1 else set(self.random.sample(sorted(known), self.random.randint(1, len(known))))
            args = " " + compact(subset)
            if variant == 3 and not self.only_uids:
                uids = sorted(known)
                picks = sorted(self.random.sample(range(len(uids)), min(len(uids), self.random.randint(1, 4))))
                args += f" ({','.join(str(p + 1) for p in picks)} {','.join(str(uids[p]) for p in picks)})"
        if self.random.random() < 0.15:
            modseq = self.random.randint(1, modseq)
        # sequence numbers are those of the new mailbox: nothing is placed until it is known what went
        self.on_fetch_kept, self.on_fetch = self.on_fetch, lambda n, got, word: self.fetched.setdefault(n, []).append(got)
        try:
            self.do(f"{verb} {box.name} (QRESYNC ({validity} {modseq}{args}))")
        finally:
            self.on_fetch = self.on_fetch_kept
        gone, fetched = set(self.earlier), self.fetched
        count = len(self.list)
        news = {}
        for n, gots in fetched.items():
            for got in gots:
                uid = n if self.only_uids else int(got["UID"])
                if "MODSEQ" not in got or "FLAGS" not in got:
                    raise Wrong(f"{got} in the answer to QRESYNC")
                if int(got["MODSEQ"][0]) <= modseq:
                    raise Wrong(f"{got} though not over {modseq}")
                if uid in gone:
                    raise Wrong(f"UID {uid} is told to be gone, and fetched")
                if subset is not None and uid not in subset:
                    raise Wrong(f"UID {uid} was not asked for: {args}")
                k = news.setdefault(uid, Known(uid))
                k.flags, k.modseq = self.flags_of(got), int(got["MODSEQ"][0])
        if subset is not None and gone - subset:
            raise Wrong(f"VANISHED {gone - subset} was not asked for: {args}")
        if self.world.exact:
            certain, possible = box.vanished_since(modseq)
            wanted = certain if subset is None else certain & subset
            if not wanted & set(known) <= gone:
                raise Wrong(f"{compact(wanted & set(known) - gone)} went after {modseq} and was not told")
            if gone & set(box.messages):
                raise Wrong(f"{compact(gone & set(box.messages))} is told to be gone, and is there")
            wanted = {u for u, m in box.messages.items() if m.modseq > modseq and (subset is None or u in subset)}
            if wanted != set(news):
                raise Wrong(f"changed after {modseq}: {compact(wanted)}, told: {compact(news)}")
        kept = {u: k for u, k in known.items() if u not in gone and (subset is None or u in subset)}
        kept.update(news)
        self.opened(box)
        if subset is None or variant > 1:
            # everything that was there is accounted for; what is new has greater UIDs
            uids = sorted(kept)
            if subset is None and len(uids) != count or len(uids) > count:
                raise Wrong(f"{count} EXISTS; after VANISHED and FETCH there are {compact(uids)}")
            self.list = [kept[u] for u in uids] + [Known() for _ in range(count - len(uids))]
            if not self.only_uids:
                for n, gots in fetched.items():
                    if not 1 <= n <= len(uids) or int(gots[0]["UID"]) != uids[n - 1]:
                        raise Wrong(f"FETCH {n} is UID {gots[0]['UID']}: {uids}")
            if count > len(uids):
                self.do(f"UID FETCH {(max(known) if known else 0) + 1}:* (FLAGS MODSEQ)")
        else:
            self.do("UID FETCH 1:* (FLAGS MODSEQ)") if count else None
        self.know_all()

    def catch_up(self, modseq, known):
        """RFC 7162 section 3.1: with CONDSTORE alone the client asks what is there and what has changed."""
        self.do(f"UID SEARCH UID 1:{max(known)}")
        self.note_esearch()
        there = set(self.found[0])
        for uid, k in zip(sorted(there), self.list):
            if uid not in known:
                raise Wrong(f"UID {uid} came late")
            if k.uid not in (None, uid):
                raise Wrong(f"UID {uid} in the place of {k.uid}")
            k.uid, k.flags, k.modseq = uid, known[uid].flags, known[uid].modseq
        last = max(known)
        self.do(f"UID FETCH 1:{last} (FLAGS) (CHANGEDSINCE {modseq})")
        if self.world.exact and {u for u in there if self.box.messages[u].modseq > modseq} != set(self.reported):
            raise Wrong(f"CHANGEDSINCE {modseq} tells of {sorted(self.reported)}")
        self.do(f"UID FETCH {last + 1}:* (FLAGS MODSEQ)")
        self.know_all()

    def note_esearch(self):
        """IMAP4rev2 answers with ESEARCH (RFC 9051 section 6.4.4)."""
        if self.found is None:
            if not self.esearch or not self.new_names:
                raise Wrong(f"{self.command} found nothing: {self.esearch}")
            m = re.search(r" ALL ([\d:,]+)", self.esearch)
            top = re.search(r" MODSEQ (\d+)", self.esearch)
            self.found = (expand(m[1]) if m else [], top and int(top[1]))

    def unselect(self):
        verb = self.random.choice(["CLOSE", "UNSELECT"])
        box, read_only = self.box, self.read_only
        before = self.current()
        deleted = {k.uid for k in self.list if k.uid}
        self.put_away()
        if verb == "CLOSE":
            self.cache.pop(box.name, None)
        self.do(verb)
        self.box, self.list = None, []
        if verb == "CLOSE" and not read_only and self.world.exact:
            gone = [u for u, m in box.messages.items() if "\\deleted" in m.flags]
            removed = self.world.remove(box, gone)
            self.world.look(box, [] if before else removed)
            self.own_change(box)

    def append(self):
        box = self.world.boxes[self.random.choice(sorted(self.world.boxes))]
        flags = self.random.sample(FLAGS, self.random.randint(0, 2))
        word = self.random.choice(WORDS)
        data = f"Subject: {word} {self.random.randint(1, 9)}\r\n\r\n{'text ' * self.random.randint(0, 50)}\r\n".encode()
        answer = self.do(f"APPEND {box.name} ({' '.join(flags)})", data)
        m = re.search(r"\[APPENDUID (\d+) (\d+)\]", answer)
        if not m or int(m[1]) != box.validity:
            raise Wrong(f"{answer}; UIDVALIDITY {box.validity}")
        if self.world.exact:
            if int(m[2]) != box.add([f.lower() for f in flags], word, len(data)):
                raise Wrong(f"{answer}, UIDNEXT was {box.next_uid - 1}")
            self.world.look(box)
            self.own_change(box)
        self.up_to_date()

    def pick(self):
        """(prefix, set, messages): some messages, by number or by UID."""
        n = len(self.list)
        lo = self.random.randint(1, n)
        chosen = self.list[lo - 1:min(n, lo + self.random.randint(0, 4))]
        by_uid = self.only_uids or self.random.random() < 0.5
        if not by_uid and self.world.exact and any(k.uid not in self.box.messages for k in chosen):
            by_uid = True  # numbers of what is gone: refused or not, as RFC 2180 section 4 leaves it
        if by_uid and not all(k.uid for k in chosen):
            if self.only_uids or self.world.exact:
                return None
            by_uid = False
        if by_uid:
            return "UID ", compact(k.uid for k in chosen), chosen
        return "", f"{lo}:{lo + len(chosen) - 1}", chosen

    FAILS = r"NO \[(EXPUNGEISSUED|MODIFIED [\d:,]+)\]"

    def done(self, uid):
        """Numbers are still right for what comes next: all is told only where EXPUNGE may be."""
        self.up_to_date() if uid else self.flags_hold()

    def store(self):
        picked = self.pick()
        if not picked:
            return self.noop()
        uid, numbers, chosen = picked
        sign, silent = self.random.choice(["+", "-", ""]), self.random.choice(["", ".SILENT"])
        flags = self.random.sample(FLAGS, self.random.randint(1, 2))
        since = None
        if self.condstore and self.random.random() < 0.4:
            known = [k.modseq for k in chosen if k.modseq]
            since = self.random.choice(known) if known else 0
            since = max(0, since + self.random.choice([0, 0, -1, 100]))
        modifier = f" (UNCHANGEDSINCE {since})" if since is not None else ""
        named = frozenset(f.lower() for f in flags)
        text = f"{uid}STORE {numbers}{modifier} {sign}FLAGS{silent} ({' '.join(flags)})"
        if self.read_only:
            self.do(text, fails="NO")
            return self.done(uid)
        unknown = []
        if silent:
            # the client knows what becomes of the flags that it knows
            for k in chosen:
                if not self.world.exact or since is not None or self.notified:
                    unknown.append(k)  # what it then believes depends on who came first
                elif k.flags is not None:
                    k.flags = {"+": k.flags | named, "-": k.flags - named, "": named}[sign]
        for k in unknown:
            k.flags = None
        if self.world.exact:
            there = [k.uid for k in chosen if k.uid in self.box.messages]
            self.start(text)
            failing = {u for u in there if since is not None and self.box.messages[u].modseq > since}
            # RFC 7162 section 3.1.12: those may pass in which only other flags were changed since this session was told
            harmless = {u for u in failing if self.harmless(u, sign, named, since)}
            box, at = self.box, {k.uid: n + 1 for n, k in enumerate(self.list)}
            old = {u: box.messages[u].modseq for u in there}
            answer = self.finish(self.FAILS)
            for k in chosen if silent and self.notified else []:
                k.flags = None  # what came in between may be older or newer than the STORE
            m = re.search(r"\[MODIFIED ([\d:,]+)\]", answer)
            modified = set(expand(m[1])) if m else set()
            modified = {u for u in there if (u if uid else at[u]) in modified} if m else set()
            if (m and len(modified) != len(expand(m[1]))) or not failing - harmless <= modified <= failing:
                raise Wrong(f"{text}: {answer}, failing {sorted(failing)} (at will {sorted(harmless)}); modseqs were {old}")
            self.world.set_flags(box, [u for u in there if u not in modified], sign, flags)
            changed = [u for u in there if box.messages[u].modseq is None]
            self.world.look(box)
            for u in changed:
                if self.condstore and "MODSEQ" not in self.reported.get(u, {}):
                    raise Wrong(f"{text}: the new MODSEQ of UID {u} was not told")  # RFC 7162 section 3.1.3
                if not silent and "FLAGS" not in self.reported.get(u, {}):
                    raise Wrong(f"{text}: the new flags of UID {u} were not told")
        else:
            self.do(text, fails=self.FAILS)
        self.done(uid)

    def harmless(self, uid, sign, named, since):
        message, was = self.box.messages[uid], self.synced.get(uid)
        if since == 0:
            return sign == "+" and all(not f.startswith("\\") for f in named) and not named & message.flags
        return sign != "" and was and was[1] <= since and not (was[0] ^ message.flags) & named

    def fetch(self):
        picked = self.pick()
        if not picked:
            return self.noop()
        uid, numbers, chosen = picked
        what = self.random.choice(["(UID FLAGS)", "(UID BODY.PEEK[] RFC822.SIZE)", "(UID BODY[] FLAGS RFC822.SIZE)", "(UID FLAGS MODSEQ)", "FAST"])
        if "MODSEQ" in what and not self.condstore:
            what = "(UID FLAGS)"
        if self.only_uids:
            what = what.replace("UID ", "")
        there = [k.uid for k in chosen if k.uid in self.box.messages]
        self.start(f"{uid}FETCH {numbers} {what}")
        box = self.box
        if "BODY[]" in what and not self.read_only and self.world.exact:
            self.world.set_flags(box, there, "+", ["\\Seen"])
        self.finish(self.FAILS)
        if self.world.exact:
            self.world.look(box)
            if uid and not set(there) <= set(self.reported):
                raise Wrong(f"UID FETCH {numbers} tells of {sorted(self.reported)} only")
        self.done(uid)

    def changed_since(self):
        if not self.condstore or not self.list:
            return self.noop()
        modseqs = [k.modseq for k in self.list if k.modseq] + [self.modseq or 1]
        n = max(1, self.random.choice(modseqs) + self.random.choice([0, 0, -1, 1]))
        vanished = self.qresync and self.random.random() < 0.6
        current, before, next_uid = self.current(), {k.uid for k in self.list}, self.synced_next
        self.do(f"UID FETCH 1:99999 (FLAGS) (CHANGEDSINCE {n}{' VANISHED' if vanished else ''})")
        if self.world.exact:
            wanted = {u for u, m in self.box.messages.items() if m.modseq > n}
            if not wanted & set(before) <= set(self.reported) or (current and wanted != set(self.reported)):
                raise Wrong(f"CHANGEDSINCE {n}: {compact(wanted)} changed, told {compact(self.reported)}")
            certain, possible = self.box.vanished_since(n)
            certain -= self.news  # told all the same
            certain = {u for u in certain if u < next_uid}  # or it came and went, and this session never heard of it
            if vanished and not certain <= set(self.earlier):
                raise Wrong(f"VANISHED since {n}: {compact(certain)}, told {compact(self.earlier)}")
            if set(self.earlier) & set(self.box.messages):
                raise Wrong(f"VANISHED (EARLIER) {compact(self.earlier)}, there are {compact(self.box.messages)}")
        if self.earlier and not vanished:
            raise Wrong("VANISHED (EARLIER) unasked")
        self.up_to_date()

    KEYS = {
        "ALL": lambda m: True,
        "UNSEEN": lambda m: "\\seen" not in m.flags,
        "DELETED": lambda m: "\\deleted" in m.flags,
        "UNFLAGGED": lambda m: "\\flagged" not in m.flags,
        "KEYWORD $one": lambda m: "$one" in m.flags,
        "UNKEYWORD two": lambda m: "two" not in m.flags,
        "NOT ANSWERED": lambda m: "\\answered" not in m.flags,
        "OR SEEN FLAGGED": lambda m: bool({"\\seen", "\\flagged"} & m.flags),
        "(DRAFT) NOT (DELETED SEEN)": lambda m: "\\draft" in m.flags and not {"\\deleted", "\\seen"} <= m.flags,
        "SUBJECT pear": lambda m: m.word == "pear",
        "OR SUBJECT apple (SUBJECT plum UNDELETED)": lambda m: m.word == "apple" or (m.word == "plum" and "\\deleted" not in m.flags),
        "LARGER 100": lambda m: m.size > 100,
        "NOT SMALLER 120": lambda m: m.size >= 120,
        "UID 3:9": lambda m: 3 <= m.uid <= 9,
    }

    def search(self):
        if any(m.word is None for m in self.box.messages.values()) or not self.world.exact or self.random.random() < 0.3:
            exact = self.random.choice(["ALL", "UNSEEN", "SUBJECT pear"]), None
        else:
            exact = self.random.choice(sorted(self.KEYS.items()))
        key, test = exact
        n = None
        if self.condstore and self.box.highest and self.random.random() < 0.4:
            n = self.random.choice([k.modseq for k in self.list if k.modseq] + [1, self.box.highest])
            key = f"{key} MODSEQ {n}"
        uid = self.only_uids or self.random.random() < 0.5
        returns = self.random.choice([None, None, "MIN", "MAX", "COUNT", "ALL", "MIN MAX COUNT ALL", "COUNT MIN"])
        current = self.current()
        self.do(f"{'UID ' if uid else ''}SEARCH {f'RETURN ({returns}) ' if returns else ''}{key}", fails=self.FAILS)
        if returns and not re.match(rf'ESEARCH \(TAG "{self.tag.decode()}"\){" UID" if uid else ""}( |$)', self.esearch or ""):
            raise Wrong(f"{self.esearch} for {self.command}")
        if not returns:
            self.note_esearch()
        if current and test:
            hits = [m for _, m in sorted(self.box.messages.items()) if test(m) and (n is None or m.modseq >= n)]
            numbers = [m.uid if uid else self.box.uids().index(m.uid) + 1 for m in hits]
            top = max((m.modseq for m in hits), default=None)
            if returns:
                self.check_esearch(returns, numbers, n is not None and {m.modseq for m in hits}, hits)
            elif self.found != (numbers, top if n is not None else None):
                raise Wrong(f"{self.command} gives {self.found}, not {numbers} {top}")
        self.done(uid)

    def check_esearch(self, returns, numbers, modseqs, hits):
        want = {}
        for item in returns.split():
            if item == "COUNT":
                want["COUNT"] = len(numbers)
            elif numbers:
                want[item] = {"MIN": lambda: numbers[0], "MAX": lambda: numbers[-1], "ALL": lambda: numbers}[item]()
        got = {k: expand(v) if k == "ALL" else int(v) for k, v in re.findall(r" (MIN|MAX|COUNT|ALL) ([\d:,]+)", self.esearch)}
        if got != want:
            raise Wrong(f"{self.command}: {self.esearch}, wanted {want}")
        m = re.search(r" MODSEQ (\d+)", self.esearch)
        if modseqs is False and m:
            raise Wrong(f"{self.command}: {self.esearch}: nobody asked for MODSEQ")
        if modseqs:
            # RFC 4731 section 3.2: of MIN and MAX alone it is those messages' own
            if set(returns.split()) <= {"MIN", "MAX"}:
                ends = [hits[0]] * ("MIN" in returns) + [hits[-1]] * ("MAX" in returns)
                wanted = max(x.modseq for x in ends)
            else:
                wanted = max(modseqs)
            if not m or int(m[1]) != wanted:
                raise Wrong(f"{self.command}: {self.esearch}, MODSEQ should be {wanted}")

    def transfer(self):
        picked = self.pick()
        if not picked:
            return self.noop()
        uid, numbers, chosen = picked
        target = self.world.boxes[self.random.choice(sorted(self.world.boxes))]
        verb = self.random.choice(["COPY", "COPY", "MOVE"])
        box = self.box
        text = f"{uid}{verb} {numbers} {target.name}"
        if verb == "MOVE" and self.read_only:
            self.do(text, fails="NO")
            return self.done(uid)
        if not self.world.exact:
            self.do(text, fails=self.FAILS)
            return self.done(uid)
        there = sorted(k.uid for k in chosen if k.uid in box.messages)
        self.start(text)
        new = self.world.copy(box, there, target)
        if verb == "MOVE":
            self.world.remove(box, there)
        self.finish()
        self.world.look(target)
        self.own_change(target)
        if target is not box:
            self.world.look(box)
        if there and (not self.copyuid or int(self.copyuid[1]) != target.validity or expand(self.copyuid[2]) != there or expand(self.copyuid[3]) != new):
            raise Wrong(f"{text}: {self.copyuid and self.copyuid[0]}, not {there} {new}")
        if not there and self.copyuid:
            raise Wrong(f"{text}: {self.copyuid[0]} of nothing")
        self.up_to_date() if uid or verb == "MOVE" else self.flags_hold()

    def expunge(self):
        box, current = self.box, self.current()
        known = {k.uid: k.flags for k in self.list if k.uid}
        if self.read_only:
            self.do("EXPUNGE", fails="NO")
            return self.up_to_date()
        if known and self.random.random() < 0.5:
            uids = set(self.random.sample(sorted(known), min(4, len(known))))
            text = "UID EXPUNGE " + compact(uids)
        else:
            uids, text = set(box.messages), "EXPUNGE"
        self.start(text)
        removed = []
        if self.world.exact:
            gone = [u for u in uids if u in box.messages and "\\deleted" in box.messages[u].flags]
            removed = self.world.remove(box, gone)
        answer = self.finish()
        if self.world.exact:
            self.world.look(box, [] if current else removed)
        self.up_to_date()

    def status_of(self):
        box = self.world.boxes[self.random.choice(sorted(self.world.boxes))]
        names = ["MESSAGES", "UNSEEN", "UIDNEXT", "UIDVALIDITY", "DELETED"]
        if self.condstore:
            names.append("HIGHESTMODSEQ")
        self.asked = box.name, set(names)
        self.do(f"STATUS {box.name} ({' '.join(names)})")
        self.asked = None
        got = self.status.get(box.name)
        if got is None or set(got) != set(names):
            raise Wrong(f"STATUS {box.name}: {self.status}")
        if self.world.exact:
            wanted = {"MESSAGES": len(box.messages), "UNSEEN": sum("\\seen" not in m.flags for m in box.messages.values()), "UIDNEXT": box.next_uid,
                      "UIDVALIDITY": box.validity, "DELETED": sum("\\deleted" in m.flags for m in box.messages.values()), "HIGHESTMODSEQ": box.highest}
            if any(got[k] != wanted[k] for k in got):
                raise Wrong(f"STATUS {box.name} {got}, not {wanted}")
        self.up_to_date()

    def noop(self):
        self.do(self.random.choice(["NOOP", "NOOP", "CHECK"]) if self.box and not self.new_names else "NOOP")
        self.up_to_date()

    def idle(self):
        """In turns, others act until this client's next turn."""
        self.start("IDLE")
        self.finish()
        self.idling = True
        if not self.world.exact:
            self.listen(self.random.random() * 0.05)
            self.wake()

    def listen(self, seconds):
        """Reads what comes by itself; in turns, until the list is the mailbox's."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.world.exact:
                try:
                    self.up_to_date()
                    if not self.notified or not self.heard():
                        return
                except Wrong:
                    pass
            self.wire.sock.settimeout(max(0.001, end - time.monotonic()))
            try:
                if b"\r\n" not in self.wire.buf:
                    self.wire.fill()
                self.wire.sock.settimeout(60)
                r = self.wire.response()
            except socket.timeout:
                break
            finally:
                self.wire.sock.settimeout(60)
            if not r[0].startswith(b"* "):
                raise Wrong(f"in IDLE: {r[0]}")
            self.untagged(r, r[0][2:].decode("latin1"))

    def wake(self):
        self.idling = False
        if self.world.exact:
            self.listen(5)
            self.up_to_date()
        self.wire.sendall(b"DONE\r\n")
        self.finish()
        self.up_to_date()

    def step(self):
        pick = self.random
        if self.wire is None:
            self.arrive()
            return self.select()
        if self.idling:
            return self.wake() if pick.random() < 0.4 else None
        if self.box is None:
            return pick.choice([self.select, self.select, self.append, self.status_of])()
        dice = pick.random()
        if dice < 0.05:
            return self.leave(pick.random() < 0.5)
        if dice < 0.09:
            return self.unselect()
        if dice < 0.13:
            return self.select()
        always = [self.append, self.append, self.search, self.expunge, self.status_of, self.noop, self.idle, self.changed_since]
        some = [self.store, self.store, self.store, self.fetch, self.fetch, self.transfer]
        pick.choice(always + (some if self.list else []))()

    def settle(self):
        """All rest: the copy must be the mailbox's state."""
        if self.wire is None:
            if not self.cache:
                return
            self.arrive()
            for name in sorted(self.cache):
                # its own choice of a mailbox is not wanted here
                boxes, self.world.boxes = self.world.boxes, {name: self.world.boxes[name]}
                try:
                    self.select()
                finally:
                    self.world.boxes = boxes
            return
        if self.idling:
            self.wake()
        self.noop()
        if self.notified:
            end = time.monotonic() + 5
            while self.heard() and time.monotonic() < end:
                self.listen(0.05)
            if self.heard():
                raise Wrong(f"NOTIFY: {self.heard()}")


# ------------------------------------------------------------------------------------------------------------------------


def guarded(client, errors, what):
    try:
        what()
        return True
    except Exception as e:  # whatever it was, this run is over
        errors.append(f"{client.name} ({client.kind}{' uidonly' if client.uid_only else ''}): {e!r}\n  " + "\n  ".join(client.wire.said[-19:] if client.wire else []))
        return False


def episode(world, connect, name, seed, errors):
    """Clients take turns: everything is known."""
    pick = random.Random(seed)
    world.boxes = {}
    for box in (f"{name}-a", f"{name}-b"):
        world.make(box)
    clients = [Client(world, connect, f"c{i}", f"{seed}.{i}") for i in range(pick.randint(3, 6))]
    for step in range(pick.randint(60, 120)):
        client = pick.choice(clients)
        if not guarded(client, errors, client.step):
            return clients
    for client in clients:
        if not guarded(client, errors, client.settle):
            break
    for client in clients:
        if client.wire:
            client.wire.sock.close()
    return clients


def free(world, connect, seed, seconds, errors):
    """Clients act at once, for a while, then rest and compare."""
    world.boxes = {}
    for box in (f"f{seed}-a", f"f{seed}-b"):
        world.make(box)
    clients = [Client(world, connect, f"f{i}", f"{seed}.free.{i}") for i in range(5)]
    end = time.monotonic() + seconds
    while time.monotonic() < end and not errors:
        world.exact = False
        until = min(end, time.monotonic() + 2)

        def run(client):
            client.watched = {}
            while time.monotonic() < until and not errors:
                if not guarded(client, errors, client.step):
                    return
            if client.idling:
                guarded(client, errors, client.wake)

        threads = [threading.Thread(target=run, args=(c,)) for c in clients]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        if errors:
            break
        for box in world.boxes.values():
            world.adopt(box)
        world.exact = True
        for client in clients:
            guarded(client, errors, client.settle)
    for client in clients:
        if client.wire:
            client.wire.sock.close()
    return clients


def main():
    global USER
    host, port, user, password, episodes, seconds, seed = sys.argv[1:8]
    USER = f"LOGIN {user} {password}"
    print(f"seed {seed}", flush=True)

    def connect():
        return Wire(host, int(port))

    def observer():
        w = connect()
        w.cmd(USER)
        return w

    world, errors, clients = World(observer), [], []
    done = 0
    for n in range(int(episodes)):
        clients += episode(world, connect, f"e{n}", f"{seed}.{n}", errors)
        done += 1
        if errors:
            print(f"episode {n} of seed {seed}")
            break
    if not errors and float(seconds) > 0:
        clients += free(world, connect, seed, float(seconds), errors)
    for e in errors:
        print(e)
    print(f"{done} episodes, {sum(c.sessions for c in clients)} sessions, {sum(c.commands for c in clients)} commands, seed {seed}")
    sys.exit(1 if errors else 0)


main()
