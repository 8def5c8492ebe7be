#!/usr/bin/python3
"""What dkimpy does with mail of ours, and mail that it makes: for t_dkim.sh. Keys come from a folder with a file for each name.

  dkim_peers.py sink PORT FOLDER                 an SMTP server that keeps what it gets: 1.eml, 1.envelope, …
  dkim_peers.py verify KEYS FILE                 a line for each signature: selector pass|fail
  dkim_peers.py arc KEYS FILE                    pass, fail, none, or ended (by a seal that says fail)
  dkim_peers.py sign KEYFILE rsa|ed25519 CANON FILE [LENGTH]    the message with a signature of example.net, selector peer
  dkim_peers.py seal KEYFILE FILE [none]         the message with one more set of ARC by example.net, or with the first
"""
import os
import re
import socketserver
import sys
import threading

CR = b"\r\n"


def sink(port, folder):
    lock = threading.Lock()
    number = [0]

    class Session(socketserver.StreamRequestHandler):
        def say(self, text):
            self.wfile.write(text.encode() + CR)

        def handle(self):
            envelope = []
            self.say("220 sink.test")
            while True:
                line = self.rfile.readline()
                verb = line[:4].upper()
                if not line or verb == b"QUIT":
                    if line:
                        self.say("221 bye")
                    return
                if verb == b"EHLO":
                    self.say("250-sink.test" + "\r\n250-8BITMIME\r\n250 PIPELINING")
                    continue
                if verb in (b"MAIL", b"RCPT"):
                    envelope.append(line.strip().decode())
                if verb != b"DATA":
                    self.say("250 ok")
                    continue
                self.say("354 go on")
                text = b""
                while True:
                    line = self.rfile.readline()
                    if line in (b".\r\n", b""):
                        break
                    text += line[1:] if line.startswith(b".") else line
                with lock:
                    number[0] += 1
                    name = "%s/%d" % (folder, number[0])
                    with open(name + ".envelope", "w") as f:
                        f.write("\n".join(envelope) + "\n")
                    with open(name + ".part", "wb") as f:
                        f.write(text)
                        os.rename(name + ".part", name + ".eml")
                envelope = []
                self.say("250 taken")

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", int(port)), Session) as server:
        print("ready", flush=True)
        server.serve_forever()


def from_folder(folder):
    def find(name, timeout=5):
        if isinstance(name, bytes):
            name = name.decode()
        try:
            with open("%s/%s" % (folder, name.rstrip("."))) as f:
                return f.read().strip().encode()
        except FileNotFoundError:
            return None
    return find


def read(name):
    with open(name, "rb") as f:
        return re.sub(b"\r?\n", CR, f.read())


def verify(keys, name):
    import dkim
    message = dkim.DKIM(read(name))
    for i, (field, value) in enumerate([h for h in message.headers if h[0].lower() == b"dkim-signature"]):
        selector = re.search(rb"[;\s]s=\s*([\w-]+)", value).group(1).decode()
        try:
            right = message.verify(idx=i, dnsfunc=from_folder(keys))
        except dkim.DKIMException as e:
            print(e, file=sys.stderr)
            right = False
        print(selector, "pass" if right else "fail")


def arc(keys, name):
    import dkim
    cv, results, reason = dkim.arc_verify(read(name), dnsfunc=from_folder(keys))
    print(reason, file=sys.stderr)
    print((cv or b"ended").decode())  # None: the last seal says that it is broken


def sign(keyfile, algorithm, canon, name, length=None):
    import dkim
    with open(keyfile, "rb") as f:
        key = f.read()
    message = read(name)
    head, body = (part.encode() for part in canon.split("/"))
    field = dkim.sign(message, b"peer", b"example.net", key, canonicalize=(head, body),
                      signature_algorithm=algorithm.encode() + b"-sha256", length=bool(length),
                      include_headers=[b"from", b"to", b"subject", b"date", b"from"])
    sys.stdout.buffer.write(field + message)


def seal(keyfile, name, chain="pass"):
    import dkim
    with open(keyfile, "rb") as f:
        key = f.read()
    message = b"Authentication-Results: peer.example.net; arc=%s\r\n" % chain.encode() + read(name)
    fields = dkim.arc_sign(message, b"peer", b"example.net", key, b"peer.example.net",
                           include_headers=[b"from", b"to", b"subject", b"date"])
    sys.stdout.buffer.write(b"".join(fields) + message)


{"sink": sink, "verify": verify, "arc": arc, "sign": sign, "seal": seal}[sys.argv[1]](*sys.argv[2:])
