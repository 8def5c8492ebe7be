#!/usr/bin/env python3
"""What the replays of mail programs share: raw connections that send what they are told and take NO for an answer.

Arguments of each replay: host offset cafile domain u1 u2 password."""
import base64
import re
import smtplib
import socket
import ssl
import sys
import time

from imapwire import Imap, Wrong, items, parse

HOST, OFFSET, CA, DOMAIN, U1, U2, PW = sys.argv[1:8]
OFFSET = int(OFFSET)
passed = failed = 0


def check(what, good, seen=""):
    global passed, failed
    if good:
        passed += 1
        print("ok  ", what)
    else:
        failed += 1
        print("FAIL", what, repr(seen)[:600])
    return good


def result():
    print(f"{passed} passed, {failed} failed")


def b64(text):
    return base64.b64encode(text.encode()).decode()


def plain(user, password):
    return b64(f"\0{user}\0{password}")


class Lines:
    """A connection of SMTP or POP3: one line out, a reply in, nothing pipelined."""

    def __init__(self, port, tls=None):
        self.sock = socket.create_connection((HOST, OFFSET + port), timeout=30)
        self.buf = b""
        if tls:
            self.wrap(tls)

    def wrap(self, name):
        self.sock = ssl.create_default_context(cafile=CA).wrap_socket(self.sock, server_hostname=name)

    def line(self):
        while b"\r\n" not in self.buf:
            d = self.sock.recv(65536)
            if not d:
                raise EOFError("connection closed")
            self.buf += d
        line, self.buf = self.buf.split(b"\r\n", 1)
        return line.decode()

    def send(self, text):
        self.sock.sendall(text if isinstance(text, bytes) else text.encode() + b"\r\n")

    def pop3(self, text, many=False):
        self.send(text)
        first = self.line()
        if not many or not first.startswith("+OK"):
            return first
        out = [first]
        while (line := self.line()) != ".":
            out.append(line[1:] if line.startswith(".") else line)
        return out

    def smtp_reply(self):
        out = [self.line()]
        while out[-1][3:4] == "-":
            out.append(self.line())
        return "\n".join(out)

    def smtp(self, text):
        self.send(text)
        return self.smtp_reply()


class Program(Imap):
    """An IMAP connection that takes NO and BAD for answers, and waits for `+` before each literal."""

    def __init__(self, port=143, tls=None, starttls=None):
        self.sock = socket.create_connection((HOST, OFFSET + port), timeout=30)
        self.buf, self.n = b"", 0
        if tls:
            self.upgrade(tls)
        self.greeting = self.line()
        if starttls:
            status, _, text = self.say("STARTTLS")
            if status != "OK":
                raise Wrong(f"STARTTLS: {text}")
            self.upgrade(starttls)

    def upgrade(self, name):
        self.sock = ssl.create_default_context(cafile=CA).wrap_socket(self.sock, server_hostname=name)

    def end(self, tag):
        """(status, untagged responses, text of the tagged line)"""
        untagged = []
        while True:
            r = self.response()
            if isinstance(r[0], bytes) and r[0].startswith(tag + b" "):
                _, status, text = (r[0].decode() + " ").split(" ", 2)
                return status, untagged, text.strip()
            untagged.append(r)

    def begin(self, *pieces):
        """A command; each bytes argument goes as a synchronising literal."""
        self.n += 1
        tag = b"%d" % self.n
        out = tag + b" "
        for p in pieces:
            if isinstance(p, bytes):
                self.sock.sendall(out + b"{%d}\r\n" % len(p))
                line = self.line()
                if not line.startswith(b"+"):
                    raise Wrong(f"{pieces[0]!r}: literal refused: {line!r}")
                out = p
            else:
                out += p.encode()
        self.sock.sendall(out + b"\r\n")
        return tag

    def say(self, *pieces):
        return self.end(self.begin(*pieces))

    def authenticate(self, mechanism, *answers):
        tag = self.begin(f"AUTHENTICATE {mechanism}")
        for a in answers:
            line = self.line()
            if not line.startswith(b"+"):
                self.buf = line + b"\r\n" + self.buf
                break
            self.sock.sendall(a.encode() + b"\r\n")
        return self.end(tag)

    def rows(self, *pieces):
        """{sequence number: items} of a FETCH that succeeds."""
        status, untagged, text = self.say(*pieces)
        if status != "OK":
            raise Wrong(f"{pieces!r}: {status} {text}")
        out = {}
        for r in untagged:
            m = re.match(rb"\* (\d+) FETCH ", r[0])
            if m:
                r[0] = r[0][m.end():]
                out.setdefault(int(m.group(1)), {}).update(items(parse(r)))
        return out


def text_of(untagged):
    return "\n".join("".join(p.decode("utf-8", "replace") if isinstance(p, bytes) else "{" + p[1].decode("utf-8", "replace") + "}"
                             for p in r) for r in untagged)


def deliver(subject, body=b"Hello there.\r\n", head=b""):
    m = (f"From: Ann <{U2}>\r\nTo: <{U1}>\r\nSubject: {subject}\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n"
         f"Message-ID: <{time.time_ns()}@interop.test>\r\n").encode() + head + b"\r\n" + body
    s = smtplib.SMTP(HOST, OFFSET + 25, "c.test", timeout=30)
    s.ehlo()
    s.sendmail("x@remote.test", [U1], m, ["BODY=8BITMIME"])
    s.quit()
    return m
