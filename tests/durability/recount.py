"""What the server counts, held against what is there; also while mail arrives. The server is asked before and after the counting: where it says the
same twice, nothing has come meanwhile (UIDNEXT, and what quota counts, only rise by what arrives), and what was counted must be exactly that."""


class Recount:
    """One reading of an account. `wrong`: called with a kind and words."""

    def __init__(self, imap, wrong):
        self.imap, self.wrong = imap, wrong
        self.restless = []  # what said two things
        self.folders = {}  # {name: (messages, octets)}
        self.quota = imap.quota()
        self.bad = False

    def before(self, name):
        self.told = self.imap.status(name)

    def after(self, name, f, size):
        """`f` (model.Folder) is what was found, `size` its octets."""
        self.folders[name] = (f.messages, size)
        told = self.imap.status(name)
        if told != self.told:
            self.restless.append(f"{name}: {self.told}, then {told}")
            return
        found = {"MESSAGES": len(f.messages), "UNSEEN": sum("\\Seen" not in g for _, g in f.messages.values()), "SIZE": size,
                 "DELETED": sum("\\Deleted" in g for _, g in f.messages.values()), "UIDVALIDITY": f.validity}
        if told["UIDNEXT"] < f.next:
            self.wrong("counters", f"{name}: STATUS has UIDNEXT {told['UIDNEXT']}, it was {f.next}")
        for item, n in found.items():
            if told[item] != n:
                self.wrong("counters", f"{name}: STATUS has {item} {told[item]}, counted {n}")

    def all_read(self):
        """Gives what is wrong with the quota, or None."""
        told = self.imap.quota()
        messages, size = sum(len(m) for m, _ in self.folders.values()), sum(n for _, n in self.folders.values())
        if told != self.quota:
            self.restless.append(f"quota: {self.quota}, then {told}")
        elif not self.restless and (told["STORAGE"] != -(-size // 1024) or told.get("MESSAGE", messages) != messages):
            return f"{told}, counted {messages} messages of {size} octets"
        return None

    def __str__(self):
        return "; ".join(f"{name}: {n} octets in UIDs {sorted(messages)}" for name, (messages, n) in self.folders.items())
