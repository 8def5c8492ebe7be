"""What powercut_record.so has written down (powercut_record.h)."""
import struct

HEAD = struct.Struct("=IIIIIIQQ")
OPS = ("", "create", "write", "size", "link", "unlink", "rename", "mkdir", "rmdir", "sync", "synced", "send", "exit", "unknown")


class Record:
    __slots__ = ("at", "op", "pid", "thread", "inode", "a", "path", "path2", "data")

    def __init__(self, at, op, pid, thread, inode, a, path, path2, data):
        self.at, self.op, self.pid, self.thread = at, op, pid, thread
        self.inode, self.a, self.path, self.path2, self.data = inode, a, path, path2, data

    def __str__(self):
        where = self.path or f"inode {self.inode}"
        return f"#{self.at} {self.op} {where}{' -> ' + self.path2 if self.path2 else ''} {self.a} ({len(self.data)} octets, thread {self.thread})"


def parse(octets, first=0):
    """The records of `octets`, numbered from `first` on, and how many octets they took: the last may still be being written."""
    records, at = [], 0
    while at + HEAD.size <= len(octets):
        op, pid, thread, n, n2, data_n, inode, a = HEAD.unpack_from(octets, at)
        end = at + HEAD.size + n + n2 + data_n
        if end > len(octets):
            break
        at += HEAD.size
        path, path2, data = octets[at:at + n], octets[at + n:at + n + n2], octets[at + n + n2:end]
        records.append(Record(first + len(records), OPS[op], pid, thread, inode, a, path.decode(), path2.decode(), data))
        at = end
    return records, at


def read(path):
    with open(path, "rb") as f:
        octets = f.read()
    records, end = parse(octets)
    if end != len(octets):
        raise SystemExit(f"{path}: the last record is cut off")
    return records
