#!/usr/bin/env python3
"""Peers of one network, each with an address of its own, at the limits of t_networks.sh: 3 that have not logged in, 5 in all."""
import base64
import socket
import ssl
import sys
import time

OFFSET, USER, PASSWORD = int(sys.argv[1]), sys.argv[2], sys.argv[3]
PLAIN = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
FULL = {
    143: "* BYE [LIMIT] Too many connections from your network, try again later",
    110: "-ERR [SYS/TEMP] Too many connections from your network, try again later",
    587: "421 4.7.0 Too many connections from your network, try again later",
    25: "421 4.7.0 Too many connections from your network, try again later",
}
# port: greeting, to begin TLS, to log in, that it did
SPEAKS = {
    143: ("* OK", "a STARTTLS", f"b AUTHENTICATE PLAIN {PLAIN}", "b OK"),
    110: ("+OK", "STLS", f"AUTH PLAIN {PLAIN}", "+OK"),
    587: ("220 ", "STARTTLS", f"AUTH PLAIN {PLAIN}", "235 "),
    25: ("220 ", None, None, None),
}
passed = failed = 0


def check(what, holds):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print(("ok  " if holds else "FAIL"), what)


class Peer:
    def __init__(self, port, address):
        self.port = port
        server = "2001:db8:1:9::1" if ":" in address else "198.51.100.9"
        self.sock = socket.create_connection((server, port + OFFSET), timeout=5, source_address=(address, 0))
        self.greeting = self.line()

    def line(self):
        got = b""
        while not got.endswith(b"\n"):
            octet = self.sock.recv(1)
            if not octet:
                break
            got += octet
        return got.decode().rstrip("\r\n")

    def say(self, text, until):
        self.sock.sendall(text.encode() + b"\r\n")
        while True:
            line = self.line()
            if not line or line.startswith(until):
                return bool(line)

    def is_in(self):
        return self.greeting.startswith(SPEAKS[self.port][0])

    def is_told(self):
        return self.greeting == FULL[self.port] and not self.line()

    def logs_in(self):
        _, tls, login, done = SPEAKS[self.port]
        if self.port == 587:
            self.say("EHLO client.test", "250 ")
        self.say(tls, {143: "a OK", 110: "+OK", 587: "220 "}[self.port])
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.sock = context.wrap_socket(self.sock)
        if self.port == 587:
            self.say("EHLO client.test", "250 ")
        return self.say(login, done)

    def leaves(self):
        self.sock.close()


def gets_in(port, address):
    """As soon as the daemon has seen who left."""
    for _ in range(40):
        peer = Peer(port, address)
        if peer.is_in():
            return peer
        peer.leaves()
        time.sleep(0.2)
    return None


def strangers(port, kind, network, another):
    what = f"port {port}, {kind}"
    peers = [gets_in(port, a) for a in network[:3]]
    check(f"{what}: three who have not logged in", all(peers))
    check(f"{what}: the fourth is told so", Peer(port, network[3]).is_told())
    other = Peer(port, another)
    check(f"{what}: somebody of the next network gets in", other.is_in())
    other.leaves()
    check(f"{what}: one logs in", peers[0].logs_in())
    peers.append(Peer(port, network[3]))
    check(f"{what}: and makes room for one", peers[3].is_in() and Peer(port, network[4]).is_told())
    peers[1].leaves()
    peers[1] = gets_in(port, network[4])
    check(f"{what}: so does one who leaves", peers[1] and Peer(port, network[5]).is_told())
    check(f"{what}: two more log in", peers[1].logs_in() and peers[2].logs_in())
    peers.append(Peer(port, network[5]))
    check(f"{what}: five in all", peers[4].is_in() and Peer(port, network[6]).is_told())
    peers[0].leaves()
    peers[0] = gets_in(port, network[6])
    check(f"{what}: one who was logged in leaves, and there is room", peers[0])
    for peer in peers:
        peer.leaves()


def servers(network, another):
    peers = [gets_in(25, a) for a in network[:5]]
    check("port 25: five who need not log in", all(peers))
    check("port 25: the sixth is told so", Peer(25, network[5]).is_told())
    other = Peer(25, another)
    check("port 25: somebody of the next network gets in", other.is_in())
    for peer in peers + [other]:
        peer.leaves()


FOUR = [f"198.51.100.{i}" for i in range(1, 9)]
SIX = [f"2001:db8:1:{i}::1" for i in range(1, 9)]
for daemon in (143, 110, 587):
    strangers(daemon, "a /24", FOUR, "203.0.113.1")
servers(FOUR, "203.0.113.1")
strangers(143, "a /48", SIX, "2001:db8:2::1")
print(f"{passed} passed, {failed} failed")
