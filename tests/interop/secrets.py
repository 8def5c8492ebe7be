#!/usr/bin/env python3
"""secrets.py HOST OFFSET CA USER PASSWORD DAEMON=PID...: logs in in every way, and looks for the password in the daemons' memory.
With TOKEN in the environment: by bearer tokens, and looks for that.

While a session is open after its login, and when it is gone. The word that the password is made of is looked for, so that a half of it is found, too.
"""
import base64
import os
import re
import socket
import ssl
import sys
import time

from memory import search

host, offset, ca, user, password = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5]
pids = dict(a.split("=") for a in sys.argv[6:])
token = os.environ.get("TOKEN", "")
wrong = "Wz3" + password[3:]
core = password[6:].encode()  # in both
if token:
    password, wrong = token, token[:-60] + ("A" if token[-60] != "A" else "B") + token[-59:] if token.count(".") == 2 else "not" + token  # a signature that is no longer one
    core = token[-32:-8].encode()
NEEDLES = {core: "itself"}
for shift in range(3):
    NEEDLES[base64.b64encode(b"x" * shift + core)[4:-4]] = "in base64"


class Wire:
    def __init__(self, port, tls):
        self.s = socket.create_connection((host, port + offset), timeout=20)
        self.f = None
        if tls:
            self.start_tls()

    def start_tls(self):
        context = ssl.create_default_context(cafile=ca)
        context.check_hostname = False
        self.s = context.wrap_socket(self.s, server_hostname=host)

    def line(self):
        text = b""
        while not text.endswith(b"\n"):
            c = self.s.recv(1)
            if not c:
                raise EOFError(text)
            text += c
        return text.decode().rstrip()

    def send(self, text, slowly=False):
        data = text.encode()
        if not slowly:
            self.s.sendall(data)
            return
        for i in range(len(data)):
            self.s.sendall(data[i:i + 1])
            time.sleep(0.001)

    def until(self, *starts):
        while True:
            got = self.line()
            if got.startswith(starts):
                return got

    def close(self):
        self.s.close()


def b64(text):
    return base64.b64encode(text.encode()).decode()


def plain(pw):
    return b64(f"\0{user}\0{pw}")


def imap_way(how):
    def way(w, pw, slowly):
        w.until("* OK")
        quoted = pw.replace('"', '\\"')  # so that reading it takes a copy
        if how == "LOGIN":
            w.send(f'a LOGIN {user} "{quoted}"\r\n', slowly)
        elif how == "LOGIN pipelined":
            w.send(f'a LOGIN {user} "{quoted}"\r\nb NOOP\r\n', slowly)
        elif how == "literal":
            w.send(f"a LOGIN {user} {{{len(pw)}}}\r\n"); w.until("+"); w.send(f"{pw}\r\n", slowly)
        elif how == "literal+":
            w.send(f"a LOGIN {user} {{{len(pw)}+}}\r\n{pw}\r\n", slowly)
        elif how == "PLAIN":
            w.send("a AUTHENTICATE PLAIN\r\n"); w.until("+"); w.send(plain(pw) + "\r\n", slowly)
        elif how == "PLAIN at once":
            w.send(f"a AUTHENTICATE PLAIN {plain(pw)}\r\n", slowly)
        elif how == "AUTH LOGIN":
            w.send("a AUTHENTICATE LOGIN\r\n"); w.until("+"); w.send(b64(user) + "\r\n"); w.until("+"); w.send(b64(pw) + "\r\n", slowly)
        elif how == "no command":
            w.send(f"a LOGIN {user} {pw} extra\r\n", slowly)
        elif how == "too long":
            w.send(f"a LOGIN {user} " + pw * 600 + "\r\n", False)
        return w.until("a ", "* BYE").startswith("a OK")
    return way


def pop_way(how):
    def way(w, pw, slowly):
        w.until("+OK")
        if how == "PASS":
            w.send(f"USER {user}\r\n"); w.until("+OK"); w.send(f"PASS {pw}\r\n", slowly)
        elif how == "PASS pipelined":
            w.send(f"USER {user}\r\nPASS {pw}\r\nNOOP\r\n", slowly); w.until("+OK")
        elif how == "PLAIN":
            w.send(f"AUTH PLAIN {plain(pw)}\r\n", slowly)
        elif how == "AUTH LOGIN":
            w.send("AUTH LOGIN\r\n"); w.until("+ "); w.send(b64(user) + "\r\n"); w.until("+ "); w.send(b64(pw) + "\r\n", slowly)
        return w.until("+OK", "-ERR").startswith("+OK")
    return way


def smtp_way(how, starttls):
    def way(w, pw, slowly):
        w.until("220")
        w.send("EHLO x.test\r\n"); w.until("250 ")
        if starttls:
            w.send("STARTTLS\r\n"); w.until("220"); w.start_tls()
            w.send("EHLO x.test\r\n"); w.until("250 ")
        if how == "PLAIN at once":
            w.send(f"AUTH PLAIN {plain(pw)}\r\n", slowly)
        elif how == "PLAIN":
            w.send("AUTH PLAIN\r\n"); w.until("334"); w.send(plain(pw) + "\r\n", slowly)
        elif how == "AUTH LOGIN":
            w.send("AUTH LOGIN\r\n"); w.until("334"); w.send(b64(user) + "\r\n"); w.until("334"); w.send(b64(pw) + "\r\n", slowly)
        return w.until("235", "5", "4").startswith("235")
    return way


def bearer(pw):
    return b64(f"n,a={user},\x01host=mail.test\x01port=143\x01auth=Bearer {pw}\x01\x01")


def xoauth2(pw):
    return b64(f"user={user}\x01auth=Bearer {pw}\x01\x01")


def token_way(protocol, mechanism, at_once, starttls=False):
    """RFC 7628 §3.1, §3.2.3: a refusal is a challenge first."""
    greeting, command, more, good = {"imap": ("* OK", "a AUTHENTICATE ", "+", "a OK"), "pop": ("+OK", "AUTH ", "+", "+OK"), "smtp": ("220", "AUTH ", "334", "235")}[protocol]
    ends = ("a ", "* BYE") if protocol == "imap" else ("+OK", "-ERR") if protocol == "pop" else ("235", "5", "4")

    def way(w, pw, slowly):
        w.until(greeting)
        if protocol == "smtp":
            w.send("EHLO x.test\r\n"); w.until("250 ")
            if starttls:
                w.send("STARTTLS\r\n"); w.until("220"); w.start_tls()
                w.send("EHLO x.test\r\n"); w.until("250 ")
        message = (bearer if mechanism == "OAUTHBEARER" else xoauth2)(pw)
        if at_once:
            w.send(command + mechanism + " " + message + "\r\n", slowly)
        else:
            w.send(command + mechanism + "\r\n"); w.until(more); w.send(message + "\r\n", slowly)
        answer = w.until(more, *ends)
        if answer.startswith(more) and not answer.startswith(good):
            w.send("AQ==\r\n")
            answer = w.until(*ends)
        return answer.startswith(good)
    return way


ways = []
if token:
    for mechanism in ("OAUTHBEARER", "XOAUTH2"):
        for at_once in (False, True) if os.environ.get("LONG") else (mechanism == "XOAUTH2",):
            name = mechanism + (" at once" if at_once else "")
            for daemon, protocol, plain_port, tls_port in (("imapd", "imap", 143, 993), ("pop3d", "pop", 110, 995), ("smtpd", "smtp", 587, 465)):
                ways += [(daemon, name, plain_port, False, token_way(protocol, mechanism, at_once)), (daemon, name + ", TLS", tls_port, True, token_way(protocol, mechanism, at_once))]
            ways += [("smtpd", name + ", STARTTLS", 587, False, token_way("smtp", mechanism, at_once, True))]
for how in () if token else ("LOGIN", "LOGIN pipelined", "literal", "literal+", "PLAIN", "PLAIN at once", "AUTH LOGIN"):
    ways += [("imapd", how, 143, False, imap_way(how)), ("imapd", how + ", TLS", 993, True, imap_way(how))]
for how in () if token else ("no command", "too long"):
    ways += [("imapd", how, 993, True, imap_way(how))]
for how in () if token else ("PASS", "PASS pipelined", "PLAIN", "AUTH LOGIN"):
    ways += [("pop3d", how, 110, False, pop_way(how)), ("pop3d", how + ", TLS", 995, True, pop_way(how))]
for how in () if token else ("PLAIN at once", "PLAIN", "AUTH LOGIN"):
    ways += [("smtpd", how, 587, False, smtp_way(how, False)), ("smtpd", how + ", STARTTLS", 587, False, smtp_way(how, True)),
             ("smtpd", how + ", TLS", 465, True, smtp_way(how, False))]

bad = set()
for daemon, how, port, tls, way in ways:
    for pw, what in ((password, "right"), (wrong, "wrong")):
        for slowly in (False, True) if what == "right" and tls and how != "too long" else (False,):
            name = f"{daemon}, {how}, {what}{', octet by octet' if slowly else ''}"
            try:
                w = Wire(port, tls)
                well = way(w, pw, slowly)
            except (EOFError, OSError) as e:
                print(f"FAIL {name}: {e!r}")
                continue
            if how not in ("no command", "too long") and well != (what == "right"):
                print(f"FAIL {name}: the login went the other way")
            hits = [f"while it is open: {h}" for h in search(pids[daemon], NEEDLES)]
            w.close()
            time.sleep(0.03)
            hits += [f"after it: {h}" for h in search(pids[daemon], NEEDLES)]
            new = [h for h in hits if h not in bad]
            bad.update(h for h in hits)
            print(f"{'FAIL' if new else 'ok  '} {name}")
            for h in new[:4]:
                print(f"     | {h}")
print("ok   all ways were tried")
