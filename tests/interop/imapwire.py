#!/usr/bin/env python3
"""A small strict IMAP client: reads responses by the grammar of RFC 3501 section 9 and trips over what does not fit it."""
import re
import socket
import ssl
import sys


class Wrong(Exception):
    pass


class Atom(str):
    pass


class Imap:
    def __init__(self, host, port, cafile=None, starttls=False, timeout=60):
        self.sock = socket.create_connection((host, port), timeout=timeout)
        self.buf = b""
        self.n = 0
        if cafile and not starttls:
            self.wrap(cafile)
        self.greeting = self.line()
        if starttls:
            self.cmd("STARTTLS")
            self.wrap(cafile)

    def wrap(self, cafile):
        ctx = ssl.create_default_context(cafile=cafile)
        self.sock = ctx.wrap_socket(self.sock, server_hostname="localhost")

    def fill(self):
        d = self.sock.recv(262144)
        if not d:
            raise EOFError("connection closed")
        self.buf += d

    def line(self):
        while True:
            i = self.buf.find(b"\r\n")
            if i >= 0:
                r, self.buf = self.buf[:i], self.buf[i + 2:]
                return r
            self.fill()

    def exactly(self, n):
        parts, have = [self.buf], len(self.buf)
        self.buf = b""
        while have < n:
            d = self.sock.recv(262144)
            if not d:
                raise EOFError("connection closed in a literal")
            parts.append(d)
            have += len(d)
        b = b"".join(parts)
        self.buf = b[n:]
        return b[:n]

    # a response line with its literals, as tokens
    def response(self):
        line = self.line()
        pieces = []
        while True:
            m = re.search(rb"\{(\d+)\}$", line)
            if not m:
                pieces.append(line)
                return pieces
            pieces.append(line[:m.start()])
            pieces.append(("literal", self.exactly(int(m.group(1)))))
            line = self.line()

    def cmd(self, text, literal=None):
        """Sends a command; gives (untagged responses, tagged line). Raises Wrong unless OK."""
        self.n += 1
        tag = b"a%d" % self.n
        data = tag + b" " + (text if isinstance(text, bytes) else text.encode()) + b"\r\n"
        if literal is not None:
            data = data[:-2] + b" {%d+}\r\n" % len(literal) + literal + b"\r\n"
        self.sock.sendall(data)
        return self.collect(tag, text)

    def collect(self, tag, text=""):
        untagged = []
        while True:
            r = self.response()
            head = r[0] if isinstance(r[0], bytes) else b""
            if head.startswith(tag + b" "):
                if not head.startswith(tag + b" OK"):
                    raise Wrong(f"{text!r}: {head!r}")
                return untagged, head
            untagged.append(r)

    def login(self, user, password):
        return self.cmd(f'LOGIN "{user}" "{password}"')

    def fetch(self, text):
        """{sequence number: {item: value}} of a FETCH or UID FETCH."""
        out = {}
        untagged, _ = self.cmd(text)
        for r in untagged:
            m = re.match(rb"\* (\d+) FETCH ", r[0])
            if m:
                r[0] = r[0][m.end():]
                out.setdefault(int(m.group(1)), {}).update(items(parse(r)))
        return out


def tokens(pieces):
    """Strict tokens of a response: '(' ')' NIL numbers atoms quoted strings literals."""
    for p in pieces:
        if isinstance(p, tuple):
            yield p[1]
            continue
        i = 0
        while i < len(p):
            c = p[i:i + 1]
            if c in b"()":
                yield Atom(c.decode())
                i += 1
            elif c == b" ":
                i += 1
            elif c == b'"':
                j, s = i + 1, bytearray()
                while True:
                    if j >= len(p):
                        raise Wrong(f"unterminated quoted string in {p!r}")
                    ch = p[j]
                    if ch == 0x5C:
                        if p[j + 1:j + 2] not in (b'"', b"\\"):
                            raise Wrong(f"bad escape in {p!r}")
                        s.append(p[j + 1])
                        j += 2
                        continue
                    if ch == 0x22:
                        break
                    if ch >= 0x80 or ch in (0, 10, 13):
                        raise Wrong(f"octet {ch:#x} in a quoted string: {p!r}")
                    s.append(ch)
                    j += 1
                yield bytes(s)
                i = j + 1
            else:
                m = re.match(rb"BODY\[[^\]]*\](<\d+>)?|[^\s()\"{]+", p[i:])
                if not m:
                    raise Wrong(f"no token at {p[i:i+40]!r}")
                yield Atom(m.group(0).decode("ascii"))
                i += m.end()


def parse(pieces):
    stack = [[]]
    for t in tokens(pieces):
        if isinstance(t, Atom) and t == "(":
            stack.append([])
        elif isinstance(t, Atom) and t == ")":
            if len(stack) < 2:
                raise Wrong(f"unbalanced ) in {pieces!r}"[:400])
            top = stack.pop()
            stack[-1].append(top)
        elif isinstance(t, Atom) and t.upper() == "NIL":
            stack[-1].append(None)
        else:
            stack[-1].append(t)
    if len(stack) != 1 or len(stack[0]) != 1:
        raise Wrong(f"unbalanced ( in {pieces!r}"[:400])
    return stack[0][0]


def items(lst):
    if len(lst) % 2:
        raise Wrong(f"odd FETCH list {lst!r}"[:400])
    return {str(lst[i]): lst[i + 1] for i in range(0, len(lst), 2)}


def is_nstring(x):
    return x is None or (isinstance(x, bytes) and not isinstance(x, Atom))


def is_number(x):
    return isinstance(x, Atom) and x.isdigit()


def check_addresses(a):
    if a is None:
        return
    if not isinstance(a, list) or not a:
        raise Wrong(f"address list {a!r}")
    for one in a:
        if not isinstance(one, list) or len(one) != 4 or not all(is_nstring(x) for x in one):
            raise Wrong(f"address {one!r}")


def check_envelope(e):
    if not isinstance(e, list) or len(e) != 10:
        raise Wrong(f"envelope of {len(e) if isinstance(e, list) else e} fields")
    for i in (0, 1, 8, 9):
        if not is_nstring(e[i]):
            raise Wrong(f"envelope field {i}: {e[i]!r}")
    for i in range(2, 8):
        check_addresses(e[i])


def check_params(p):
    if p is None:
        return
    if not isinstance(p, list) or len(p) % 2 or not all(isinstance(x, bytes) for x in p):
        raise Wrong(f"parameters {p!r}")


def check_extension(x, multipart):
    """md5 or parameters, then disposition, language, location."""
    if not x:
        return
    if multipart:
        check_params(x[0])
    elif not is_nstring(x[0]):
        raise Wrong(f"md5 {x[0]!r}")
    if len(x) > 1 and x[1] is not None:
        if not isinstance(x[1], list) or len(x[1]) != 2 or not isinstance(x[1][0], bytes):
            raise Wrong(f"disposition {x[1]!r}")
        check_params(x[1][1])
    if len(x) > 2 and not (is_nstring(x[2]) or (isinstance(x[2], list) and all(isinstance(y, bytes) for y in x[2]))):
        raise Wrong(f"language {x[2]!r}")
    if len(x) > 3 and not is_nstring(x[3]):
        raise Wrong(f"location {x[3]!r}")


def check_body(b, path=()):
    """Checks a BODYSTRUCTURE; gives [(section, octets)] of its leaves."""
    if not isinstance(b, list) or not b:
        raise Wrong(f"body {b!r}")
    if isinstance(b[0], list):
        leaves, i = [], 0
        while i < len(b) and isinstance(b[i], list):
            leaves += check_body(b[i], path + (i + 1,))
            i += 1
        if not isinstance(b[i], bytes):
            raise Wrong(f"multipart subtype {b[i]!r}")
        check_extension(b[i + 1:], True)
        return leaves
    if not isinstance(b[0], bytes) or not isinstance(b[1], bytes):
        raise Wrong(f"media type {b[:2]!r}")
    check_params(b[2])
    if not is_nstring(b[3]) or not is_nstring(b[4]) or not isinstance(b[5], bytes) or not is_number(b[6]):
        raise Wrong(f"body fields {b[2:7]!r}")
    kind = (b[0].lower(), b[1].lower())
    here = path or (1,)
    leaves = [(".".join(map(str, here)), int(b[6]))]
    rest = 7
    if kind == (b"message", b"rfc822"):
        check_envelope(b[7])
        inner = b[8]
        if isinstance(inner[0], list):
            leaves += check_body(inner, here)
        else:
            leaves += check_body(inner, here + (1,))
        if not is_number(b[9]):
            raise Wrong("no line count of message/rfc822")
        rest = 10
    elif kind[0] == b"text":
        if not is_number(b[7]):
            raise Wrong("no line count of text")
        rest = 8
    check_extension(b[rest:], False)
    return leaves


def main():
    what, host, port, user, password = sys.argv[1:6]
    c = Imap(host, int(port))
    c.login(user, password)
    if what == "count":
        untagged, _ = c.cmd(f'STATUS "{sys.argv[6]}" (MESSAGES)')
        for r in untagged:
            m = re.search(rb"MESSAGES (\d+)", r[0])
            if m:
                print(int(m.group(1)))
    elif what == "create":
        c.cmd(f'CREATE "{sys.argv[6]}"')
    c.cmd("LOGOUT")


if __name__ == "__main__":
    main()
