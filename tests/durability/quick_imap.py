"""An IMAP client for tests that break its connection: pipelining, and large FETCHes without copying. Whatever ends the
connection is an OSError or EOFError; an answer other than OK is a Refused."""
import re

from connection import Connection


class Refused(Exception):
    pass


class Imap(Connection):
    number = 0

    def log_in(self, user, password):
        if not self.line().startswith(b"* OK"):
            raise EOFError("no greeting")
        self.cmd(f'LOGIN "{user}" "{password}"')

    def response(self):
        """(text with its literals left out, [literals])"""
        text, literals = self.line(), []
        while text.endswith(b"}") and (m := re.search(rb"\{(\d+)\}$", text)):
            literal = self.file.read(int(m[1]))
            if len(literal) != int(m[1]):
                raise EOFError("closed in a literal")
            literals.append(literal)
            text = text[:m.start()] + self.line()
        return text, literals

    def send(self, commands):
        """All at once; gives their tags. A command is text, or a list of text and literals (bytes)."""
        out, tags = [], []
        for command in commands:
            self.number += 1
            tags.append(b"q%d" % self.number)
            out.append(tags[-1] + b" ")
            for piece in command if isinstance(command, list) else [command]:
                out.append(b"{%d+}\r\n" % len(piece) + piece if isinstance(piece, bytes) else piece.encode())
            out.append(b"\r\n")
        self.sock.sendall(b"".join(out))
        return tags

    def answer(self, tag):
        """(untagged responses, text behind OK)"""
        untagged = []
        while True:
            text, literals = self.response()
            if text.startswith(tag + b" "):
                if not text.startswith(tag + b" OK"):
                    raise Refused(text.decode("latin1"))
                return untagged, text[len(tag) + 4:].decode("latin1")
            if text.startswith(b"* BYE"):
                raise EOFError(text.decode("latin1"))
            untagged.append((text, literals))

    def cmd(self, command):
        return self.answer(self.send([command])[0])

    def fetch(self, uids, items):
        """{UID: (text, literals)}; a set n:* that begins behind the end gives the last message, which is left out."""
        first = int(re.match(r"\d+", uids)[0])
        found = {}
        for text, literals in self.cmd(f"UID FETCH {uids} ({items})")[0]:
            m = re.search(rb"FETCH \(.*?\bUID (\d+)", text)
            if m and int(m[1]) >= first:
                found[int(m[1])] = (text, literals)
        return found

    def select(self, name, how="SELECT"):
        """{"EXISTS": n, "UIDVALIDITY": n, "UIDNEXT": n, "HIGHESTMODSEQ": n}"""
        about = {}
        for text, _ in self.cmd(f'{how} "{name}"')[0]:
            if m := re.match(rb"\* (\d+) EXISTS|\* OK \[(UIDVALIDITY|UIDNEXT|HIGHESTMODSEQ) (\d+)\]", text):
                about["EXISTS" if m[1] else m[2].decode()] = int(m[1] or m[3])
        return about

    def status(self, name):
        items = "MESSAGES UNSEEN DELETED UIDNEXT UIDVALIDITY SIZE"
        for text, _ in self.cmd(f'STATUS "{name}" ({items})')[0]:
            if text.startswith(b"* STATUS"):
                return {k.decode(): int(v) for k, v in re.findall(rb"([A-Z]+) (\d+)", text[text.rindex(b"("):])}
        raise Refused("no STATUS")

    def quota(self):
        """{"STORAGE": kilobytes used, "MESSAGE": number}"""
        for text, _ in self.cmd("GETQUOTAROOT INBOX")[0]:
            if text.startswith(b"* QUOTA "):
                return {k.decode(): int(v) for k, v in re.findall(rb"(STORAGE|MESSAGE) (\d+)", text)}
        return {}


def numbers(uids):
    """"3,5:7" as a list, in the order given."""
    out = []
    for part in uids.split(","):
        first, _, last = part.partition(":")
        out += range(int(first), int(last or first) + 1)
    return out


def as_set(uids):
    return ",".join(str(u) for u in sorted(uids))
