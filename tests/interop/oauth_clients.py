#!/usr/bin/env python3
"""Logs in with each token that oauth_provider.py made, by OAUTHBEARER and XOAUTH2, at all three servers."""
import base64, imaplib, itertools, json, poplib, smtplib, socket, ssl, sys, threading, time, urllib.request

mode, host, port, where = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
pop_port, smtp_port = port - 143 + 110, port - 143 + 587
tokens = json.load(open(where + "/tokens.json"))
bad = []
numbers = itertools.count(1)


def say(ok, what):
    if not ok:
        bad.append(what)
        print("not ok:", what)


def bearer(token, user="u1@example.test"):
    """RFC 7628 §3.1, §3.1.1, §3.2: what the server does not know it ignores."""
    return f"n,{'a=' + user if user else ''},\x01host=mail.test\x01port=143\x01colour=blue\x01auth=Bearer {token}\x01\x01".encode()


def xoauth2(token, user="u1@example.test"):
    return f"user={user}\x01auth=Bearer {token}\x01\x01".encode()


def log_in(mechanism, message, initial=True):
    """The tagged answer, and the challenges on the way."""
    # Each from an address of its own: failures make the next one from there wait.
    s = socket.create_connection((host, port), source_address=(f"127.0.1.{next(numbers)}", 0))
    f = s.makefile("rwb")
    greeting = f.readline()
    assert b"AUTH=OAUTHBEARER" in greeting and b"AUTH=XOAUTH2" in greeting, greeting
    text = base64.b64encode(message)
    f.write(b"1 AUTHENTICATE " + mechanism.encode() + (b" " + text if initial else b"") + b"\r\n")
    f.flush()
    challenges = []
    while True:
        line = f.readline()
        if line.startswith(b"1 ") or not line:
            s.close()
            return line, challenges
        challenges.append(base64.b64decode(line[2:]))
        f.write((base64.b64encode(b"\x01") if initial or len(challenges) > 1 else text) + b"\r\n")
        f.flush()


def both(name, token, good, user="u1@example.test"):
    for mechanism, message in (("OAUTHBEARER", bearer(token, user)), ("XOAUTH2", xoauth2(token, user))):
        line, challenges = log_in(mechanism, message)
        if good:
            say(line.startswith(b"1 OK [CAPABILITY ") and not challenges, f"{name} by {mechanism}: {line}")
        else:
            # RFC 7628 §3.2.2: why, as JSON, before the NO
            say(line.startswith(b"1 NO [AUTHENTICATIONFAILED]"), f"{name} by {mechanism}: {line}")
            say(len(challenges) == 1 and "status" in json.loads(challenges[0]), f"{name} by {mechanism}: {challenges}")


def connect(to):
    s = socket.create_connection((host, to), source_address=(f"127.0.1.{next(numbers)}", 0))
    return s, s.makefile("rwb")


def exchange(f, first, more):
    """AUTH's answer, and the challenges on the way; `more` is what a challenge begins with."""
    f.write(first + b"\r\n")
    f.flush()
    challenges = []
    while True:
        line = f.readline()
        if not line.startswith(more):
            return line, challenges
        challenges.append(base64.b64decode(line[len(more):]))
        f.write(base64.b64encode(b"\x01") + b"\r\n")
        f.flush()


def pop3(name, token, good):
    """RFC 5034 §4, RFC 7628 §3.2: AUTH with an initial response, and a command afterwards."""
    for mechanism, message in (("OAUTHBEARER", bearer(token)), ("XOAUTH2", xoauth2(token))):
        s, f = connect(pop_port)
        f.readline()
        line, challenges = exchange(f, f"AUTH {mechanism} ".encode() + base64.b64encode(message), b"+ ")
        if good:
            say(line.startswith(b"+OK") and not challenges, f"POP3 {name} by {mechanism}: {line}")
            f.write(b"STAT\r\n")
            f.flush()
            say(f.readline().startswith(b"+OK"), f"POP3 {name} by {mechanism}: STAT")
        else:
            say(line.startswith(b"-ERR [AUTH]"), f"POP3 {name} by {mechanism}: {line}")
            say(len(challenges) == 1 and "status" in json.loads(challenges[0]), f"POP3 {name}: {challenges}")
        s.close()


def smtp(name, token, good):
    """RFC 4954 §4, RFC 7628 §3.2: AUTH with an initial response, and a command afterwards."""
    for mechanism, message in (("OAUTHBEARER", bearer(token)), ("XOAUTH2", xoauth2(token))):
        s, f = connect(smtp_port)
        f.readline()
        f.write(b"EHLO client.test\r\n")
        f.flush()
        while f.readline().startswith(b"250-"):
            pass
        line, challenges = exchange(f, f"AUTH {mechanism} ".encode() + base64.b64encode(message), b"334 ")
        if good:
            say(line.startswith(b"235 2.7.0") and not challenges, f"SMTP {name} by {mechanism}: {line}")
            f.write(b"MAIL FROM:<u1@example.test>\r\n")
            f.flush()
            say(f.readline().startswith(b"250"), f"SMTP {name} by {mechanism}: MAIL")
        else:
            say(line.startswith(b"535 5.7.8"), f"SMTP {name} by {mechanism}: {line}")
            say(len(challenges) == 1 and "status" in json.loads(challenges[0]), f"SMTP {name}: {challenges}")
        s.close()


def pop3_and_smtp_clients(token):
    """Python's own, without an initial response and with one; mail sent by token is read by token."""
    c = smtplib.SMTP(host, smtp_port)
    c.ehlo()
    say({"OAUTHBEARER", "XOAUTH2"} <= set(c.esmtp_features["auth"].split()), f"SMTP offers {c.esmtp_features['auth']}")
    c.auth("XOAUTH2", lambda challenge=None: xoauth2(token).decode(), initial_response_ok=False)
    c.sendmail("u1@example.test", ["u1@example.test"], "Subject: by token\r\n\r\nHello\r\n")
    c.quit()
    c = poplib.POP3(host, pop_port)
    say({"OAUTHBEARER", "XOAUTH2"} <= set(c.capa()["SASL"]), f"POP3 offers {c.capa()['SASL']}")
    say(c._shortcmd("AUTH XOAUTH2").startswith(b"+"), "POP3 asks for the token")
    say(c._shortcmd(base64.b64encode(xoauth2(token)).decode()).startswith(b"+OK"), "poplib")
    say(b"Subject: by token" in c.retr(1)[1], "what was sent by token arrived")
    c.quit()


if mode == "jwks":
    for say_it in (pop3, smtp):
        for name, token in tokens.items():
            if name in ("good RS256", "good ES256") or name.startswith("bad"):
                say_it(name, token, name.startswith("good"))
    pop3_and_smtp_clients(tokens["good RS256"])
    for name, token in tokens.items():
        if name.startswith("good"):
            both(name, token, True)
        elif name.startswith(("bad", "opaque")):
            both(name, token, False)
    both("a token of another user", tokens["other u2"], False)
    both("a token and its own user", tokens["other u2"], True, "u2@example.test")
    line, _ = log_in("OAUTHBEARER", bearer(tokens["good RS256"], None))
    say(line.startswith(b"1 OK"), f"no user named: {line}")
    line, _ = log_in("OAUTHBEARER", bearer(tokens["good RS256"]), initial=False)
    say(line.startswith(b"1 OK"), f"without an initial response: {line}")
    line, _ = log_in("XOAUTH2", xoauth2(tokens["good RS256"]), initial=False)
    say(line.startswith(b"1 OK"), f"XOAUTH2 without an initial response: {line}")
    for junk in (b"", b"n,,", b"p=tls-exporter,,\x01auth=Bearer x\x01\x01", b"n,a=x=y,\x01auth=Bearer x\x01\x01", b"\x00"):
        line, _ = log_in("OAUTHBEARER", junk)
        say(line.startswith((b"1 BAD", b"1 NO")), f"{junk}: {line}")
    c = imaplib.IMAP4(host, port)
    c.authenticate("XOAUTH2", lambda _: xoauth2(tokens["good ES256"]))
    say(c.select()[0] == "OK", "imaplib")
    c.logout()
elif mode == "introspect":
    both("opaque", tokens["opaque good"], True)
    both("old", tokens["opaque old"], False)
    both("inactive", tokens["opaque inactive"], False)
    both("for another", tokens["opaque audience"], False)
    both("unverified", tokens["opaque unverified"], False)
    both("unknown", "who knows", False)
    context = ssl.create_default_context(cafile=where + "/tls/ca.pem")
    asked = json.load(urllib.request.urlopen(f"https://localhost:{port - 143 + 1}/asked", context=context))
    say(asked[tokens["opaque good"]] == 1, f"a good token is believed for a while: {asked}")
    pop3("opaque", tokens["opaque good"], True)
    smtp("opaque", tokens["opaque good"], True)
    pop3("inactive", tokens["opaque inactive"], False)
    smtp("inactive", tokens["opaque inactive"], False)
    # A provider that takes its time holds up nobody else.
    slow = [threading.Thread(target=log_in, args=("XOAUTH2", xoauth2(tokens["slow"]))) for _ in range(30)]
    for t in slow:
        t.start()
    time.sleep(0.3)
    begun = time.time()
    c = imaplib.IMAP4(host, port)
    c.login("u1@example.test", "geheim-1")
    c.select()
    c.logout()
    say(time.time() - begun < 2, "others wait for a slow provider")
    for t in slow:
        t.join()
else:
    line, challenges = log_in("XOAUTH2", xoauth2(tokens["opaque good"]))
    say(line.startswith(b"1 NO [") and b"AUTHENTICATIONFAILED" not in line, f"untrusted: {line}")
sys.exit(1 if bad else 0)
