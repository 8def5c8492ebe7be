"""What one account may look like: the state that was acknowledged, or, with commands in flight, that after one or more of them.

A state is {folder name: Folder} and the subscribed names; states are never changed, commands make new ones. A message has a
name that stands in its Subject; what a command adds has no UID until the server has told it (APPENDUID, COPYUID)."""
import re

from quick_imap import numbers

ARRIVED = re.compile(r"d(\d+)$")  # what deliver_load hands in


class Folder:
    __slots__ = ("validity", "beyond", "next", "modseq", "messages", "fresh")

    def __init__(self, validity=None, next_uid=1, messages=None, fresh=(), modseq=0, beyond=0):
        self.validity, self.beyond = validity, beyond  # None: not told yet, higher than `beyond`
        self.next, self.modseq = next_uid, modseq  # none lower
        self.messages = messages or {}  # UID: (name, flags)
        self.fresh = tuple(fresh)  # (name, flags) in the order of the UIDs they get

    def but(self, **changed):
        values = {"validity": self.validity, "next_uid": self.next, "messages": self.messages, "fresh": self.fresh, "modseq": self.modseq, "beyond": self.beyond}
        return Folder(**{**values, **changed})

    def without(self, uids):
        return self.but(messages={u: m for u, m in self.messages.items() if u not in uids})

    def may_have(self, validity):
        return validity == self.validity if self.validity else validity > self.beyond

    def told(self, uids, rises):
        """The first fresh ones have these UIDs. Where others add messages too (not `rises`), lower ones may be new as well."""
        if len(uids) > len(self.fresh) or sorted(uids) != uids or uids[0] < self.next:
            raise ValueError(f"UIDs {uids[:5]}… for {len(self.fresh)} messages, expected from {self.next} on")
        named = dict(self.messages)
        named.update(zip(uids, self.fresh))
        return self.but(messages=named, fresh=self.fresh[len(uids):], next_uid=uids[-1] + 1 if rises else self.next)


class State:
    __slots__ = ("folders", "subscribed")

    def __init__(self, folders, subscribed=frozenset()):
        self.folders, self.subscribed = folders, frozenset(subscribed)

    def set(self, changes):
        """{name: Folder or None}"""
        merged = {**self.folders, **changes}
        return State({n: f for n, f in merged.items() if f}, self.subscribed)


class Command:
    """`wire` is what is sent; `effect` the state behind it; `learn` takes the server's words in."""
    wire = None

    def effect(self, state):
        raise NotImplementedError

    def learn(self, state, words):
        return state


class Append(Command):
    def __init__(self, box, named, flags, octets):
        self.box, self.named, self.flags = box, named, frozenset(flags)
        self.wire = [f'APPEND "{box}"']
        for name in named:
            self.wire += [f" ({' '.join(flags)}) ", octets(name)]

    def effect(self, state):
        f = state.folders[self.box]
        return state.set({self.box: f.but(fresh=f.fresh + tuple((n, self.flags) for n in self.named))})

    def learn(self, state, words):
        validity, uids = re.search(r"APPENDUID (\d+) (\S+)\]", words).groups()
        return tell(state, self.box, int(validity), numbers(uids))


def tell(state, box, validity, uids):
    f = state.folders[box]
    if not f.may_have(validity):
        raise ValueError(f"UIDVALIDITY of {box} is {validity}, was {f.validity or f.beyond}")
    return state.set({box: f.but(validity=validity).told(uids, box != "INBOX")})


class Store(Command):
    def __init__(self, box, uids, sign, flags):
        self.box, self.uids, self.sign, self.flags = box, uids, sign, frozenset(flags)
        self.wire = f"UID STORE {','.join(map(str, uids))} {sign}FLAGS.SILENT ({' '.join(flags)})"

    def effect(self, state):
        f = state.folders[self.box]
        changed = dict(f.messages)
        for u in self.uids:
            name, flags = changed[u]
            changed[u] = (name, flags | self.flags if self.sign == "+" else flags - self.flags if self.sign == "-" else self.flags)
        return state.set({self.box: f.but(messages=changed)})


class Copy(Command):
    verb = "COPY"

    def __init__(self, box, uids, to):
        self.box, self.uids, self.to = box, uids, to
        self.wire = f'UID {self.verb} {",".join(map(str, uids))} "{to}"'

    def effect(self, state):
        f = state.folders[self.box]
        moved = tuple(f.messages[u] for u in sorted(self.uids))
        to = state.folders[self.to]
        return state.set({self.to: to.but(fresh=to.fresh + moved)})

    def learn(self, state, words):
        validity, source, target = re.search(r"COPYUID (\d+) (\S+) (\S+)\]", words).groups()
        if sorted(numbers(source)) != sorted(self.uids) or numbers(source) != sorted(numbers(source)):
            raise ValueError(f"COPYUID {source} for {self.uids}")
        return tell(state, self.to, int(validity), numbers(target))


class Move(Copy):
    verb = "MOVE"

    def effect(self, state):
        after = super().effect(state)
        return after.set({self.box: after.folders[self.box].without(set(self.uids))})


class Expunge(Command):
    def __init__(self, box, uids=None):
        self.box, self.uids = box, uids
        self.wire = f"UID EXPUNGE {','.join(map(str, uids))}" if uids else "EXPUNGE"

    def effect(self, state):
        f = state.folders[self.box]
        gone = {u for u, (_, flags) in f.messages.items() if "\\Deleted" in flags and (not self.uids or u in self.uids)}
        return state.set({self.box: f.without(gone)})


class Close(Expunge):
    def __init__(self, box):
        super().__init__(box)
        self.wire = "CLOSE"


class Replace(Append):
    """One message by another, in whichever folder (RFC 8508)."""

    def __init__(self, box, uid, to, name, flags, octets):
        super().__init__(to, [name], flags, octets)
        self.source, self.uid = box, uid
        self.wire[0] = f'UID REPLACE {uid} "{to}"'

    def effect(self, state):
        after = super().effect(state)
        return after.set({self.source: after.folders[self.source].without({self.uid})})


class RenameInbox(Command):
    """INBOX stays, its messages go (RFC 3501 section 6.3.5). Nobody tells the UIDs they get."""

    def __init__(self, new, beyond):
        self.new, self.beyond, self.wire = new, beyond, f'RENAME INBOX "{new}"'

    def effect(self, state):
        f = state.folders["INBOX"]
        return state.set({"INBOX": f.but(messages={}), self.new: Folder(fresh=[f.messages[u] for u in sorted(f.messages)], beyond=self.beyond)})


class Create(Command):
    """`beyond`: the highest UIDVALIDITY that the account has shown."""

    def __init__(self, name, beyond):
        self.name, self.beyond, self.wire = name, beyond, f'CREATE "{name}"'

    def effect(self, state):
        return state.set({self.name: Folder(beyond=self.beyond)})


class Delete(Command):
    def __init__(self, name):
        self.name, self.wire = name, f'DELETE "{name}"'

    def effect(self, state):
        return state.set({self.name: None})


class Rename(Command):
    """With all below it."""

    def __init__(self, old, new):
        self.old, self.new, self.wire = old, new, f'RENAME "{old}" "{new}"'

    def effect(self, state):
        changes = {}
        for name, f in state.folders.items():
            if name == self.old or name.startswith(self.old + "/"):
                changes[name] = None
                changes[self.new + name[len(self.old):]] = f
        return state.set(changes)


class Subscribe(Command):
    def __init__(self, name, on):
        self.name, self.on, self.wire = name, on, f'{"" if on else "UN"}SUBSCRIBE "{name}"'

    def effect(self, state):
        return State(state.folders, state.subscribed | {self.name} if self.on else state.subscribed - {self.name})


def differs(expected, actual):
    """Why `actual`, as it was read, can't be `expected`; None if it can."""
    if expected.folders.keys() != actual.folders.keys():
        return f"folders {sorted(expected.folders.keys() ^ actual.folders.keys())}"
    if expected.subscribed != actual.subscribed:
        return f"subscriptions {sorted(expected.subscribed ^ actual.subscribed)}"
    for name, want in expected.folders.items():
        if why := folder_differs(name, want, actual.folders[name]):
            return f"{name}: {why}"
    return None


def folder_differs(box, want, have):
    if not want.may_have(have.validity):
        return f"UIDVALIDITY {have.validity}, " + (f"was {want.validity}" if want.validity else f"of a new folder, {want.beyond} was there before")
    if have.next < want.next:
        return f"UIDNEXT {have.next}, was {want.next}"
    if have.modseq < want.modseq:
        return f"HIGHESTMODSEQ {have.modseq}, was {want.modseq}"
    for uid, message in want.messages.items():
        if have.messages.get(uid) != message:
            return f"UID {uid} is {have.messages.get(uid)}, should be {message}"
    new = sorted(have.messages.keys() - want.messages.keys())
    if new and new[0] < want.next:
        return f"UID {new[0]} ({have.messages[new[0]]}) should not be there, was to begin at {want.next}"
    fresh = [have.messages[u] for u in new]
    if box == "INBOX":
        fresh = [m for m in fresh if not ARRIVED.match(m[0])]
    if tuple(fresh) != want.fresh:
        return f"new are {fresh[:5]}, should be {list(want.fresh)[:5]}"
    return None
