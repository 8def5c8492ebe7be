#!/usr/bin/env python3
"""A mail server that keeps every octet a client sends, one file a connection: PORT FOLDER [EXTENSION...]. It believes in CRLF.CRLF alone."""
import itertools
import os
import re
import socketserver
import sys

PORT, FOLDER, OFFERS = int(sys.argv[1]), sys.argv[2], sys.argv[3:]

NUMBERS = itertools.count(1)


class Sink(socketserver.BaseRequestHandler):
    def handle(self):
        self.all, self.buf = b"", b""
        self.say("220 sink.test ESMTP")
        try:
            self.talk()
        except (EOFError, OSError):
            pass
        name = f"{FOLDER}/{PORT}.{next(NUMBERS)}"
        with open(name + ".part", "wb") as f:
            f.write(self.all)
        os.rename(name + ".part", name)

    def say(self, text):
        self.request.sendall(text.encode() + b"\r\n")

    def more(self):
        d = self.request.recv(65536)
        if not d:
            raise EOFError
        self.all += d
        self.buf += d

    def upto(self, end):
        while (at := self.buf.find(end)) < 0:
            self.more()
        out, self.buf = self.buf[:at + len(end)], self.buf[at + len(end):]
        return out

    def talk(self):
        while True:
            line = self.upto(b"\r\n")
            verb = line.split()[0].upper() if line.split() else b""
            if verb == b"EHLO":
                for o in ["sink.test"] + OFFERS:
                    self.say("250-" + o)
                self.say("250 8BITMIME")
            elif verb == b"DATA":
                self.say("354 go on")
                if not self.buf.startswith(b".\r\n"):
                    self.upto(b"\r\n.\r\n")
                else:
                    self.upto(b".\r\n")
                self.say("250 2.0.0 taken")
            elif verb == b"BDAT":
                n = int(re.search(rb"\d+", line).group())
                while len(self.buf) < n:
                    self.more()
                self.buf = self.buf[n:]
                self.say("250 2.0.0 taken")
            elif verb == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 2.0.0 ok")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 100


with Server(("127.0.0.1", PORT), Sink) as s:
    print("ready", flush=True)
    s.serve_forever()
