#!/usr/bin/env python3
"""A reload drops nobody, and what it changed holds for who comes next; a stop lets everybody finish what they are at, says goodbye, and takes no longer than it may."""
import collections
import hashlib
import multiprocessing
import os
import signal
import ssl
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "attacks"))
from attack import PW, SUITE, U1, Talk, check, end, greeting, log, wait_for  # noqa: E402
from slow_clients import LMTP, PORTS, TLS_PORTS, Crowd, address, ports_of  # noqa: E402

PIDS = {n: int(os.environ["A_" + n]) for n in ("SMTPD", "POP3D", "IMAPD")}
CONF = os.environ["A_CONF"]
RUN = int(os.environ["A_RUN"])
DRAIN_S = 10  # common/net/server.c
RELOADS = 15


def tls(port):
    t = greeting(port) if port not in (993, 995, 465) else None
    if not t:
        t = Talk(port, tls=True)
        t.until(r"^(\d{3} |\+OK|\* )")
    t.certificate = hashlib.sha256(t.s.getpeercert(True)).hexdigest() if isinstance(t.s, ssl.SSLSocket) else ""
    return t


def sessions():
    """One of each daemon in clear, one under TLS, all logged in where one can."""
    i, p, s = greeting(143), greeting(110), greeting(25)
    i.imap(f"LOGIN {U1} {PW}")
    p.pop(f"USER {U1}")
    p.pop(f"PASS {PW}")
    s.smtp("EHLO c")
    ti, tp, ts = tls(993), tls(995), tls(465)
    ti.imap(f"LOGIN {U1} {PW}")
    ts.smtp("EHLO c")
    return [(i.imap, "NOOP", b"t OK"), (p.pop, "NOOP", b"+OK"), (s.smtp, "NOOP", b"250"), (ti.imap, "NOOP", b"t OK"), (tp.pop, "CAPA", b"+OK"), (ts.smtp, "NOOP", b"250")], ti.certificate


GREETED = {25: b"220 ", 587: b"220 ", 465: b"220 ", LMTP: b"220 ", 110: b"+OK", 995: b"+OK", 143: b"* OK", 993: b"* OK"}
LEAVES = {25: (b"QUIT\r\n", b"221 "), 110: (b"QUIT\r\n", b"+OK"), 995: (b"QUIT\r\n", b"+OK"), 143: (b"t LOGOUT\r\n", b"* BYE"), 993: (b"t LOGOUT\r\n", b"* BYE")}


def visit(port, i):
    """Comes, is greeted, says goodbye and hears it: b"", or what went wrong."""
    try:
        t = Talk(port, tls=port in TLS_PORTS, timeout=5, source=address(70, i))
        try:
            out = t.until(r"^(\d{3} |\+OK|-ERR|\* )")
            if not out.startswith(GREETED[port]):
                return b"greeted by " + out
            said, goodbye = LEAVES.get(port, LEAVES[25])
            t.send(said)
            out = t.until(r"^(\d{3} |\+OK|-ERR|\* BYE)")
            return b"" if out.startswith(goodbye) else b"left with " + out
        finally:
            t.close()
    except OSError as e:
        return str(e).encode()


def visitor(first, over, pipe):
    """A program that comes to all the ports, one after the other, all the time."""
    seen, i = collections.Counter(), first
    while not over.is_set():
        port = PORTS[i % len(PORTS)]
        seen[port, visit(port, i)] += 1
        i += 1
    pipe.send(seen)


def reloaded():
    """How often each daemon says that it read its configuration anew."""
    lines = log().decode().splitlines()
    return {n: sum(f" {n.lower()} reloaded " in line for line in lines) for n in PIDS}


def reload_beside_connections():
    """Reloads, one after the other, while connections come all the time, and others are in the middle of something."""
    over, mine = multiprocessing.Event(), []
    for n in range(2):
        receiver, sender = multiprocessing.Pipe(False)
        mine.append((receiver, multiprocessing.Process(target=visitor, args=(n * 100_000, over, sender))))
        mine[-1][1].start()
        sender.close()
    halves = [Crowd(place, 2, lambda i: address(71, i), ports_of(place)) for place in ("at the start", "in a line", "in DATA, or a literal", "in a TLS handshake")]
    for c in halves:
        c.go(20)
    data = greeting(25)
    for line in ("EHLO c", "MAIL FROM:<a@b.test>", f"RCPT TO:<{U1}>", "DATA"):
        data.smtp(line)
    before = reloaded()
    for i in range(RELOADS):
        os.kill(RUN, signal.SIGHUP)
        wait_for(lambda: min((now := reloaded())[n] - before[n] for n in PIDS) > i, 5)
        data.send(f"line {i}\r\n")
        for c in halves:
            c.trickle(0.02)
    over.set()
    seen = sum((receiver.recv() for receiver, _ in mine), collections.Counter())
    for _, process in mine:
        process.join()
    wrong = {k: v for k, v in seen.items() if k[1]}
    check(f"{RELOADS} reloads of each daemon are done", all(n - before[d] == RELOADS for d, n in reloaded().items()), (before, reloaded()))
    check(f"{seen.total()} connections that came meanwhile, to {len(PORTS)} ports, were all let in, and served to their end", not wrong and all(seen[p, b""] >= RELOADS for p in PORTS), (wrong, seen))
    for c, place in zip(halves, ("at the start", "in a line", "in DATA, or a literal", "in a TLS handshake")):
        check(f"{len(c.clients)} clients that were {place} are still there", not c.ends() and c.arrived() == dict.fromkeys(ports_of(place), 2), (c.ends(), c.arrived()))
        c.close()
    data.send(".\r\n")
    out = data.smtp()
    check("a message that came through all of them is accepted", out.startswith(b"250 "), out)


def reload():
    open_now, old = sessions()
    key, cert = (os.path.join(SUITE, "tls", n) for n in ("server-key.pem", "server.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert, "-subj", "/CN=new.test", "-days", "2"],
                   check=True, stderr=subprocess.DEVNULL)
    with open(CONF) as f:
        text = f.read().replace("max_connections_per_address = 100", "max_connections_per_address = 4")
    # of which no more than a quarter may be kept for passwords, eight at once would take all of it
    check("the configuration has the limit that is to change", text.count("max_memory = 1G") == 1)
    text = text.replace("max_memory = 1G", "max_memory = 128M")
    with open(CONF, "w") as f:
        f.write(text)
    for p in PIDS.values():
        os.kill(p, signal.SIGHUP)
    time.sleep(1)
    for talk, command, good in open_now:
        out = talk(command)
        check(f"after a reload a session goes on: {command}", good in out, out)
    for port, hello in ((143, b"* OK"), (110, b"+OK"), (25, b"220")):
        t = greeting(port)
        check(f"port {port}: a new connection is let in with less memory", t.hello.startswith(hello), t.hello)
        t.s.close()
    for port in (993, 995, 465):
        check(f"port {port}: a new connection sees the new certificate", tls(port).certificate != old)
    kept = [greeting(143) for _ in range(6)]
    check("and the new limit", kept[-1].hello.startswith(b"* BYE [LIMIT]"), kept[-1].hello)
    check("no daemon has ended", all(os.path.exists(f"/proc/{p}") for p in PIDS.values()))
    text = text.replace("max_connections_per_address = 4", "max_connections_per_address = 100").replace("port_offset", "port_offzet")
    with open(CONF, "w") as f:
        f.write(text)
    for p in PIDS.values():
        os.kill(p, signal.SIGHUP)
    time.sleep(0.5)
    check("a configuration that is wrong changes nothing", greeting(143).hello.startswith((b"* OK", b"* BYE [LIMIT]")) and open_now[0][0]("NOOP").startswith(b"t OK"))
    with open(CONF, "w") as f:
        f.write(text.replace("port_offzet", "port_offset"))
    for p in PIDS.values():
        os.kill(p, signal.SIGHUP)
    time.sleep(0.5)


def stop():
    idle, busy, pop, data, talk = greeting(143), greeting(143), greeting(110), greeting(25), greeting(25)
    for t in (idle, busy):
        t.imap(f"LOGIN {U1} {PW}")
        t.imap("SELECT INBOX")
    idle.send("i IDLE\r\n")
    idle.until(r"^\+ ")
    busy.send("b APPEND INBOX {24}\r\n")
    busy.until(r"^\+ ")
    pop.pop(f"USER {U1}")
    pop.pop(f"PASS {PW}")
    pop.pop("STAT")
    talk.smtp("EHLO c")
    data.smtp("EHLO c")
    data.smtp("MAIL FROM:<a@b.test>")
    data.smtp(f"RCPT TO:<{U1}>")
    data.smtp("DATA")
    data.send("Subject: in the middle of a stop\r\n\r\nhalf")
    began = time.monotonic()
    for p in PIDS.values():
        os.kill(p, signal.SIGTERM)
    out = idle.until(r"^\* BYE")
    check("IDLE is told BYE", b"* BYE" in out, out)
    out = pop.rest()
    check("a session of POP3 is told that the server stops", b"-ERR [SYS/TEMP]" in out[0] and out[1] == "closed", out)
    out = talk.rest()
    check("a session of SMTP at rest is told 421", out[0].startswith(b"421") and out[1] == "closed", out)
    time.sleep(0.5)
    data.send(" and half\r\n.\r\n")
    out = data.until(r"^\d{3} ")
    check("who is in the middle of DATA finishes it", out.startswith(b"250"), out)
    busy.send("Subject: half a literal\r\n\r\n")
    out = busy.until(r"^b ")
    check("who is in the middle of a literal finishes it, or is told BYE", b"b OK" in out or b"* BYE" in busy.buf + out, out)
    appended = b"b OK" in out
    while time.monotonic() < began + DRAIN_S + 3 and any(os.path.exists(f"/proc/{p}") for p in PIDS.values()):
        time.sleep(0.02)
    took = time.monotonic() - began
    check(f"all have ended after {took:.1f} s, of {DRAIN_S} at most", took < DRAIN_S + 1)
    for _ in range(100):  # who runs them starts them anew
        try:
            t = greeting(143)
            if t.hello.startswith(b"* OK"):
                break
        except OSError:
            pass
        time.sleep(0.1)
    t.imap(f"LOGIN {U1} {PW}")
    t.imap("SELECT INBOX")
    out = t.imap("SEARCH SUBJECT \"in the middle of a stop\"")
    check("what was acknowledged meanwhile is there", out.split(b"\r\n")[0] not in (b"* SEARCH", b"") and b"t OK" in out, out)
    out = t.imap("SEARCH SUBJECT \"half a literal\"")
    check("the same of what was appended", not appended or out.split(b"\r\n")[0] != b"* SEARCH", out)


reload_beside_connections()
reload()
stop()
end()
