"""What the attackers of this folder have in common: checks that are counted, sessions that send octets as they are, an IMAP reader."""
import os
import re
import socket
import ssl
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
from imapwire import Imap  # noqa: E402

HOST = os.environ["A_HOST"]
OFFSET = int(os.environ["A_OFFSET"])
SUITE = os.environ["A_SUITE"]
U1, U2, PW = os.environ["A_U1"], os.environ["A_U2"], os.environ["A_PW"]
LONG = os.environ.get("LONG", "") not in ("", "0")
passed = failed = 0


def check(what, good, seen=""):
    global passed, failed
    if good:
        passed += 1
        print("ok  ", what, flush=True)
    else:
        failed += 1
        print("FAIL", what, repr(seen)[:400], flush=True)
    return good


def end():
    print(f"{passed} passed, {failed} failed")


def crlf(text):
    return (text if isinstance(text, bytes) else text.encode()).replace(b"\n", b"\r\n")


class Talk:
    """A connection that reads replies and sends anything."""

    def __init__(self, port, tls=False, timeout=20, source=None):
        self.s = socket.create_connection((HOST, OFFSET + port), timeout=timeout, source_address=(source, 0) if source else None)
        self.buf = b""
        if tls:
            self.start_tls()

    def start_tls(self):
        c = ssl._create_unverified_context()
        self.s = c.wrap_socket(self.s, server_hostname="localhost")

    def send(self, octets):
        self.s.sendall(octets if isinstance(octets, bytes) else octets.encode())

    def until(self, pattern):
        """All up to the end of the first line that matches, b"" when the connection ends before."""
        regex = re.compile(pattern if isinstance(pattern, bytes) else pattern.encode(), re.M)
        while True:
            for m in regex.finditer(self.buf):
                at = self.buf.find(b"\r\n", m.start())
                if at >= 0:
                    out, self.buf = self.buf[:at + 2], self.buf[at + 2:]
                    return out
            try:
                d = self.s.recv(262144)
            except OSError:
                d = b""
            if not d:
                return b""
            self.buf += d

    def smtp(self, command=None):
        """Sends a line, gives the reply."""
        if command is not None:
            self.send((command if isinstance(command, bytes) else command.encode()) + b"\r\n")
        return self.until(r"^\d{3} ")

    def pop(self, command=None):
        if command is not None:
            self.send((command if isinstance(command, bytes) else command.encode()) + b"\r\n")
        return self.until(r"^(\+OK|-ERR|\+ )")

    def imap(self, command, tag="t"):
        self.send(tag.encode() + b" " + (command if isinstance(command, bytes) else command.encode()) + b"\r\n")
        return self.until(rf"^{tag} ")

    def rest(self, wait=0.5):
        """What still comes until silence; None as second value while the connection is open."""
        self.s.settimeout(wait)
        out, self.buf = self.buf, b""
        try:
            while True:
                d = self.s.recv(262144)
                if not d:
                    return out, "closed"
                out += d
        except (TimeoutError, ssl.SSLError, BlockingIOError):
            return out, None
        except OSError:
            return out, "closed"

    def close(self):
        self.s.close()


def greeting(port, **more):
    t = Talk(port, **more)
    t.hello = t.until(r"^(\d{3} |\+OK|\* )")
    return t


def smtp(port=25, helo="client.test", **more):
    t = greeting(port, **more)
    t.ehlo = t.smtp("EHLO " + helo)
    return t


def submission(user=None):
    t = smtp(587)
    t.smtp("STARTTLS")
    t.start_tls()
    t.smtp("EHLO client.test")
    import base64
    r = t.smtp("AUTH PLAIN " + base64.b64encode(f"\0{user or U1}\0{PW}".encode()).decode())
    assert r.startswith(b"235"), r
    return t


def imap(user=None):
    c = Imap(HOST, OFFSET + 143)
    c.login(user or U1, PW)
    return c


def messages(user=None, box="INBOX"):
    """{uid: octets} of a mailbox."""
    c = imap(user)
    c.cmd(f"SELECT {box}")
    got = c.fetch("UID FETCH 1:* (UID BODY.PEEK[])")
    c.cmd("LOGOUT")
    return {int(v["UID"]): v["BODY[]"] for v in got.values()}


def empty(user=None, box="INBOX"):
    c = imap(user)
    c.cmd(f"SELECT {box}")
    c.cmd("UID STORE 1:* +FLAGS (\\Deleted)")
    c.cmd("EXPUNGE")
    c.cmd("LOGOUT")


def wait_for(what, seconds=20):
    stop = time.monotonic() + seconds
    while time.monotonic() < stop:
        v = what()
        if v:
            return v
        time.sleep(0.05)
    return what()


def log():
    with open(SUITE + "/log", "rb") as f:
        return f.read()


def daemon_cpu(pid):
    """Seconds of processor time that the process has used, with those of threads that have ended (its clock, as of clock_getcpuclockid(3))."""
    return time.clock_gettime(~pid << 3 | 2)


def memory(pid, what="VmRSS"):
    """Octets."""
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith(what + ":"):
                return int(line.split()[1]) * 1024
    return 0
