"""The disk, as it may be after the power has failed.

The model, more careful than ext4 (data=ordered), XFS or btrfs are:

- A write, a change of size, a new, removed or renamed name is on the disk for sure once a sync has ended that began after
  it: of the file for its octets and size (fsync or fdatasync), of the directory for its names. A file's own sync makes no
  name of it durable (ext4 would do so for a new file, POSIX promises nothing), and a directory is only found where its own
  name is durable.
- What is not on the disk for sure may be there or not, each piece for itself and in any order: a later write without an
  earlier one (what lies between reads as zeros where the file ended before, or as it was), a file without its name, a name
  without the file's octets.
- A write may be torn: of the sectors of 512 octets that it touches any may be there, and it may end within one.
- A rename is there or not, as one. What was durable stays: sectors that are not written to don't change, and a sync that
  has ended has told the truth.

Names ending in -shm are left out: SQLite makes the WAL's index anew, whatever it holds, when nobody has the file open.
"""
import os

SECTOR = 512


class Node:
    """A file or a directory: what is durable, and the changes that are not yet, in order."""

    def __init__(self, number, entries=None, data=b""):
        self.number = number
        self.entries = entries  # None: a file
        self.data = bytearray(data)
        self.pending = []
        self.applied = 0  # the number of the last change that is durable
        self.path = ""  # its first name, below the top

    def content(self, missing, torn):
        if not self.pending:
            return self.data
        data = bytearray(self.data)
        for c in self.pending:
            if c.at not in missing:
                c.write_to(data, torn)
        return data

    def key(self, missing, torn):
        """Equal keys: equal contents."""
        last, gone = self.applied, []
        skipped = []
        for c in self.pending:
            if c.at in missing:
                skipped.append(c.at)
            else:
                gone += skipped
                skipped = []
                last = c.at
                if torn and torn[0] == c.at:
                    gone.append(torn)
        return self.number, last, tuple(gone)


class Change:
    """One change that a sync will make durable."""

    def __init__(self, at, kind, nodes):
        self.at, self.kind, self.nodes = at, kind, nodes
        self.file, self.offset, self.size, self.data = None, 0, 0, b""
        self.names = ()  # (directory, name, node or None)

    def write_to(self, data, torn):
        if self.kind == "size":
            del data[self.size:]
            data.extend(bytes(self.size - len(data)))
            return
        pieces = [(0, len(self.data))]
        if torn and torn[0] == self.at:
            pieces = torn[1]
        for begin, end in pieces:
            at = self.offset + begin
            if at > len(data):
                data.extend(bytes(at - len(data)))
            data[at:at + end - begin] = self.data[begin:end]

    def tears(self):
        """Ways in which it may be torn: a tuple of the pieces that are there each. Sectors are those of the file."""
        n = len(self.data)
        cuts = [c - self.offset for c in range((self.offset // SECTOR + 1) * SECTOR, self.offset + n, SECTOR)]
        ways = []
        if n > 1:
            ways.append(((0, n // 2 + n % 2),))  # a prefix that ends anywhere
        if cuts:
            middle = cuts[len(cuts) // 2]
            ways += [((0, middle),), ((middle, n),)]
            bounds = [0] + cuts + [n]
            sectors = list(zip(bounds, bounds[1:]))
            if len(sectors) > 2:
                ways += [tuple(sectors[::2]), tuple(sectors[1::2])]
        return ways


class Disk:
    def __init__(self, top):
        """All that is below `top` now, and is taken to be durable. Anything below run/ is not of the store."""
        self.top = os.path.realpath(top)
        self.nodes = {}  # by inode, as the machine has them now
        self.numbers = 0
        self.syncs = {}
        self.distrust = None  # which syncs are not to count: self_check() in powercut.py
        self.root = self.take_in(self.top)
        self.paths = {self.top: self.root}  # as they are now, for the names in records
        self.walk_paths(self.top, self.root)
        self.unsynced = {}  # by number: changes in order

    def new_node(self, inode, entries=None, data=b""):
        self.numbers += 1
        node = Node(self.numbers, entries, data)
        self.nodes[inode] = node
        return node

    def take_in(self, path):
        st = os.lstat(path)
        if os.path.isdir(path):
            node = self.new_node(st.st_ino, {})
            for name in sorted(os.listdir(path)):
                if not name.endswith("-shm"):
                    node.entries[name] = self.take_in(os.path.join(path, name))
            return node
        if st.st_ino in self.nodes:
            return self.nodes[st.st_ino]
        with open(path, "rb") as f:
            return self.new_node(st.st_ino, None, f.read())

    def walk_paths(self, path, node):
        for name, below in (node.entries or {}).items():
            self.paths[f"{path}/{name}"] = below
            below.path = below.path or f"{path}/{name}"[len(self.top) + 1:]
            self.walk_paths(f"{path}/{name}", below)

    # -- records

    def is_ours(self, path):
        return path.startswith(self.top + "/") and not path.endswith("-shm")

    def place(self, path):
        above, name = os.path.split(path)
        return self.paths[above], name

    def note(self, at, kind, nodes):
        c = Change(at, kind, set(nodes))
        for n in nodes:
            n.pending.append(c)
        self.unsynced[at] = c
        return c

    def name_it(self, at, pairs):
        """Names as they are from now on: (path, node or None)."""
        names = []
        for path, node in pairs:
            directory, name = self.place(path)
            names.append((directory, name, node))
            if node:
                self.paths[path] = node
                node.path = node.path or path[len(self.top) + 1:]
            else:
                self.paths.pop(path, None)
        c = self.note(at, "names", {d for d, _, _ in names})
        c.names = names
        return c

    def apply(self, r):
        """True where something has changed that a power failure could take back, or what it could take back has."""
        op = r.op
        if op in ("write", "size"):
            node = self.nodes.get(r.inode)
            if node is None:
                return False
            c = self.note(r.at, op, [node])
            c.file, c.offset, c.size, c.data = node, r.a, r.a, r.data
            return True
        if op in ("sync", "synced"):
            return self.sync(r)
        if op in ("create", "mkdir", "link", "unlink", "rmdir", "rename"):
            return self.rename_it(r) if op == "rename" else self.name_record(r)
        if op == "unknown":
            raise SystemExit(f"a call that the recorder does not understand: {r.path}")
        return False

    def name_record(self, r):
        path = os.path.normpath(r.path)
        if r.op in ("create", "mkdir"):
            if not self.is_ours(path):
                self.nodes.pop(r.inode, None)  # an inode that is used anew, by others
                return False
            node = self.new_node(r.inode, {} if r.op == "mkdir" else None)
        elif not self.is_ours(path):
            return False
        else:
            node = self.nodes[r.inode] if r.op == "link" else None
        self.name_it(r.at, [(path, node)])
        return True

    def rename_it(self, r):
        old, new = os.path.normpath(r.path), os.path.normpath(r.path2)
        if not self.is_ours(old) or not self.is_ours(new):
            if self.is_ours(old) or self.is_ours(new):
                raise SystemExit(f"a file leaves or enters the store: {r}")
            return False
        node = self.paths[old]
        below = [p for p in self.paths if p.startswith(old + "/")]
        moved = [(new + p[len(old):], self.paths.pop(p)) for p in below]
        self.name_it(r.at, [(old, None), (new, node)])
        self.paths.update(moved)
        return True

    def sync(self, r):
        node = self.nodes.get(r.inode)
        if r.op == "sync":
            self.syncs[r.a] = (node, [c.at for c in node.pending] if node else [])
            return False
        node, covered = self.syncs.pop(r.a)
        if node is None or (self.distrust and self.distrust(node)):
            return False
        changed = False
        for at in covered:
            c = self.unsynced.get(at)
            if c is None or node not in c.nodes:
                continue
            c.nodes.discard(node)
            if not c.nodes:
                self.settle(c)
                changed = True
        return changed

    def settle(self, c):
        del self.unsynced[c.at]
        if c.file:
            c.file.pending.remove(c)
            c.file.applied = c.at
            c.write_to(c.file.data, None)
        for directory, name, node in c.names:
            if c in directory.pending:
                directory.pending.remove(c)
                directory.applied = c.at
            put_name(directory.entries, name, node)

    # -- images

    def tree(self, missing, torn):
        """{path below the top: node} of files, and the directories."""
        files, directories = {}, []
        stack = [("", self.root)]
        while stack:
            path, node = stack.pop()
            entries = node.entries
            if node.pending:
                entries = dict(entries)
                for c in node.pending:
                    if c.at in missing:
                        continue
                    for directory, name, below in c.names:
                        if directory is node:
                            put_name(entries, name, below)
            for name, below in entries.items():
                where = f"{path}/{name}" if path else name
                if below.entries is None:
                    files[where] = below
                else:
                    directories.append(where)
                    stack.append((where, below))
        return files, directories


def put_name(entries, name, node):
    if node is None:
        entries.pop(name, None)
    else:
        entries[name] = node
