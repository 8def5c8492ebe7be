#!/usr/bin/env python3
"""Logs in wrongly at all three daemons: by each mechanism, and under names that pretend to be other lines of the log.

failing_logins.py OFFSET DIR: each try comes from an address of its own, 127.0.2.1 and on, which DIR/tried tells with what was tried.
"""
import base64, hashlib, hmac, json, os, socket, ssl, sys

offset, where = int(sys.argv[1]), sys.argv[2]
IMAP, IMAPS, POP3, SMTP, MX = 143 + offset, 993 + offset, 110 + offset, 587 + offset, 25 + offset
NOT_ME = "192.0.2.66"  # whom the names accuse
USER = "u1@example.test"
tried = open(where + "/tried", "w")
number = 0


def connect(port, context=None):
    global number
    number += 1
    s = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=(f"127.0.2.{number}", 0))
    if context:
        s = context.wrap_socket(s, server_hostname="localhost")
    f = s.makefile("rwb")
    assert f.readline(), "no greeting"
    return s, f


def say(f, line):
    f.write(line + b"\r\n")
    f.flush()


def note(what):
    print(f"127.0.2.{number} {what}", file=tried, flush=True)


# -- mechanisms: generators that are sent a challenge (None at first) and yield messages


def plain(user, password="falsch"):
    yield b"\0" + user + b"\0" + password.encode()


def login(user, password="falsch"):
    yield user
    yield password.encode()


def scram(user, password="falsch"):
    name = user.replace(b"=", b"=3D").replace(b",", b"=2C")
    bare = b"n=" + name + b",r=abcdef"
    first = yield b"n,," + bare
    fields = dict(part.split(b"=", 1) for part in first.split(b","))
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields[b"s"]), int(fields[b"i"]))
    client = hmac.digest(salted, b"Client Key", "sha256")
    end = b"c=biws,r=" + fields[b"r"]
    text = bare + b"," + first + b"," + end
    proof = bytes(a ^ b for a, b in zip(client, hmac.digest(hashlib.sha256(client).digest(), text, "sha256")))
    yield end + b",p=" + base64.b64encode(proof)


def oauthbearer(user, token=None):
    yield b"n,a=" + user + b",\x01auth=Bearer " + (token or TOKEN) + b"\x01\x01"
    yield b"\x01"


def xoauth2(user, token=None):
    yield b"user=" + user + b"\x01auth=Bearer " + (token or TOKEN) + b"\x01\x01"
    yield b""


def external(user):
    yield b""


TOKEN = json.load(open(where + "/tokens.json"))["bad expired"].encode()
MECHANISMS = {"PLAIN": plain, "LOGIN": login, "SCRAM-SHA-256": scram, "OAUTHBEARER": oauthbearer, "XOAUTH2": xoauth2}


def exchange(f, begin, challenge_mark, last, messages):
    """Runs one to its end; the final answer."""
    say(f, begin)
    sent = 0
    try:
        message = next(messages)
        while True:
            line = f.readline()
            if not line.startswith(challenge_mark):
                break
            challenge = base64.b64decode(line[len(challenge_mark) :].strip() or b"")
            if sent:
                message = messages.send(challenge)
            say(f, base64.b64encode(message))
            sent += 1
    except StopIteration:
        pass
    while line and not line.startswith(last):
        line = f.readline()
    return line


def by_mechanism(protocol, name, user, make=None, context=None):
    port = {"imap": IMAPS if context else IMAP, "pop3": POP3, "smtp": SMTP}[protocol]
    s, f = connect(port, context)
    messages = (make or MECHANISMS[name])(user)
    if protocol == "imap":
        answer = exchange(f, b"a AUTHENTICATE " + name.encode(), b"+ ", b"a ", messages)
        ok = answer.startswith(b"a NO")
    elif protocol == "pop3":
        answer = exchange(f, b"AUTH " + name.encode(), b"+ ", (b"+OK", b"-ERR"), messages)
        ok = answer.startswith(b"-ERR [AUTH]")
    else:
        say(f, b"EHLO x")
        while not f.readline().startswith(b"250 "):
            pass
        answer = exchange(f, b"AUTH " + name.encode(), b"334 ", (b"2", b"4", b"5"), messages)
        ok = answer.startswith(b"535 ")
    assert ok, f"{protocol} {name} {user}: {answer}"
    s.close()
    note(f"{protocol} {name} {user!r}")


def imap_login(user):
    s, f = connect(IMAP)
    say(f, b'a LOGIN {%d+}\r\n' % len(user) + user + b' "falsch"')
    assert f.readline().startswith(b"a NO"), user
    s.close()
    note(f"imap LOGIN {user!r}")


def pop3_user(user):
    s, f = connect(POP3)
    say(f, b"USER " + user)
    assert f.readline().startswith(b"+OK"), user
    say(f, b"PASS falsch")
    assert f.readline().startswith(b"-ERR [AUTH]"), user
    s.close()
    note(f"pop3 USER {user!r}")


# -- what pretends


def forged():
    me = f"peer={NOT_ME}"
    line = f"warn imapd login_failed sid=1 {me} user=x mechanism=PLAIN tls=no"
    yield f"x {me}"
    yield f'x" {me} user="x'
    yield f"x\\\" {me} user=\\\"x"
    yield me
    yield line
    yield f"x {line}"
    yield f"2026-11-23T03:17:08.846Z {line}"
    yield f"Nov 23 03:17:08 host imapd[12]: {line}"
    yield f"user=x mechanism=PLAIN peer={NOT_ME} tls=no"
    yield "x" * 600 + f" {me} user=x"  # longer than a value may be
    yield f"{NOT_ME}"
    yield f"<HOST> <ADDR> {me} ünïcode"
    yield f"info smtpd session_end sid=1 {me} how=errors"
    yield f"x\" info smtpd session_end sid=1 {me} how=errors"
    yield f"warn imapd connection_refused listener=imap {me} err=LIMIT"


def with_line_ends():
    line = f"warn smtpd login_failed sid=1 peer={NOT_ME} user=x mechanism=PLAIN tls=no"
    for end in ("\n", "\r\n", "\r", "\x0b", "\x0c", "\x1b[2K\r", "\x85", "\u2028", "\u2029"):
        yield f"x{end}{line}"
        yield f"x{end}2026-11-23T03:17:08.846Z {line}"


for protocol in ("imap", "pop3", "smtp"):
    for name in MECHANISMS:
        for user in (USER.encode(), b"nobody@example.test")[: 1 if protocol == "pop3" else 2]:
            by_mechanism(protocol, name, user)
imap_login(USER.encode())
imap_login(b"nobody@elsewhere.test")
imap_login(b"")
pop3_user(USER.encode())
for who in ("nobody", "liar"):
    context = ssl.create_default_context(cafile=where + "/tls/ca.pem")
    context.load_cert_chain(f"{where}/clients/{who}.pem", f"{where}/clients/{who}.key")
    by_mechanism("imap", "EXTERNAL", b"", external, context)
for user in forged():
    imap_login(user.encode())
    if len(user) > 200:
        continue  # longer than SASL's and POP3's names may be
    by_mechanism("smtp", "XOAUTH2", user.encode())
    pop3_user(user.encode())
for i, user in enumerate(with_line_ends()):
    by_mechanism("smtp", "LOGIN", user.encode())
    if i < 4:
        by_mechanism("imap", "PLAIN", user.encode())
tried.close()

# What is refused but no login, full of lies, and no try of anybody.
line = f"warn smtpd login_failed sid=1 peer={NOT_ME} user=x"
s, f = connect(MX)
for text in (f"EHLO {line}", "EHLO x", f'MAIL FROM:<"{line}"@x.test>', f'RCPT TO:<"{line}"@example.test>', f"RCPT TO:<x@{line}>", line, f"VRFY {line}", f"NOOP {line}"):
    say(f, text.encode())
    while f.readline()[3:4] == b"-":
        pass
s.close()
s, f = connect(IMAP)
for text in (f"a {line}", f"{line}", f'a ID ("name" "{line}" "version" "x")', f'a SELECT "{line}"'):
    say(f, text.encode())
    f.readline()
s.close()
s, f = connect(POP3)
for text in (line, f"USER {line}", f"RETR {line}"):
    say(f, text.encode())
    f.readline()
s.close()
print(number, "connections")
