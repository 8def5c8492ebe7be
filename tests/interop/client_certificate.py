#!/usr/bin/env python3
"""Logs in by AUTH=EXTERNAL with each certificate of t_client_certificate.sh."""
import base64, imaplib, poplib, smtplib, socket, ssl, sys

offset, where, password = int(sys.argv[1]), sys.argv[2], sys.argv[3]
user = "u1@example.test"
bad = 0

def say(ok, *what):
    global bad
    if not ok:
        bad += 1
        print("not ok:", *what)

def context(name, version=None):
    c = ssl.create_default_context(cafile=where + "/tls/ca.pem")
    if name:
        c.load_cert_chain(f"{where}/clients/{name}.pem", f"{where}/clients/{name}.key")
    if version:
        c.maximum_version = version
    return c

def imap(name, authzid="", version=None, session=None):
    """(offered, logged in)"""
    c = imaplib.IMAP4_SSL("localhost", 993 + offset, ssl_context=context(name, version))
    offered = "AUTH=EXTERNAL" in c.capabilities
    try:
        c.authenticate("EXTERNAL", lambda _: authzid.encode())
        ok = c.select()[0] == "OK"
    except imaplib.IMAP4.error:
        ok = False
    if not ok:  # the connection is as good as any other
        say(c.login(user, password)[0] == "OK", name, "password after EXTERNAL")
    c.logout()
    return offered, ok

for version in (None, ssl.TLSVersion.TLSv1_2):
    say(imap("u1", version=version) == (True, True), "u1", version)
    say(imap("u1", user, version) == (True, True), "u1 by name", version)
    say(imap("u1", "u2@example.test", version) == (True, False), "u1 as u2", version)
    say(imap(None, version=version) == (False, False), "no certificate", version)
    say(imap("stranger", version=version) == (False, False), "another authority", version)
    say(imap("nameless", version=version) == (False, False), "no address", version)
    say(imap("nobody", version=version) == (True, False), "no such account", version)
    say(imap("server", version=version) == (False, False), "not for clients", version)
    say(imap("old", version=version) == (False, False), "expired", version)

# A resumed session is as good as the one it resumes, and no better.
for name, want in (("u1", True), ("stranger", False)):
    c = context(name, ssl.TLSVersion.TLSv1_2)
    session = None

    for turn in range(2):
        s = c.wrap_socket(socket.create_connection(("localhost", 993 + offset)), server_hostname="localhost", session=session)
        f = s.makefile("rwb")
        greeting = f.readline()
        say((b"AUTH=EXTERNAL" in greeting) == want, name, "resumed" if s.session_reused else "fresh", greeting)
        session = s.session
        s.close()
    say(s.session_reused, name, "was not resumed")

p = poplib.POP3_SSL("localhost", 995 + offset, context=context("u1"))
say("EXTERNAL" in p.capa().get("SASL", []), "POP3 offers EXTERNAL")
say(p._shortcmd("AUTH EXTERNAL =").startswith(b"+OK"), "POP3")
p.quit()
s = smtplib.SMTP_SSL("localhost", 465 + offset, context=context("u1"))
s.ehlo()
say("EXTERNAL" in s.esmtp_features.get("auth", ""), "SMTP offers EXTERNAL")
say(s.docmd("AUTH", "EXTERNAL =")[0] == 235, "SMTP")
s.quit()
s = smtplib.SMTP("localhost", 587 + offset)
s.starttls(context=context("u1"))
s.ehlo()
say(s.docmd("AUTH", "EXTERNAL " + base64.b64encode(user.encode()).decode())[0] == 235, "STARTTLS")
s.quit()
sys.exit(1 if bad else 0)
