#!/usr/bin/env python3
"""smtplib, poplib and imaplib against a running suite: host offset cafile u1 u2 password."""
import email.message
import imaplib
import poplib
import smtplib
import ssl
import sys
import time

HOST, OFFSET, CA, U1, U2, PW = sys.argv[1:7]
OFFSET = int(OFFSET)
ctx = ssl.create_default_context(cafile=CA)
passed = failed = 0


def check(what, good, seen=""):
    global passed, failed
    if good:
        passed += 1
        print("ok  ", what)
    else:
        failed += 1
        print("FAIL", what, seen)


def mail(to, subject, attachment=b""):
    m = email.message.EmailMessage()
    m["From"], m["To"], m["Subject"] = U1, to, subject
    m.set_content("Grüße aus Köln\n.\n..\n.hidden\n")
    if attachment:
        m.add_attachment(attachment, maintype="application", subtype="octet-stream", filename="größe.bin")
    return m


def smtp():
    s = smtplib.SMTP(HOST, OFFSET + 25, timeout=20)
    code, text = s.ehlo("client.test")
    check("EHLO", code == 250)
    for ext in ("pipelining", "size", "8bitmime", "smtputf8", "enhancedstatuscodes", "chunking", "starttls", "binarymime", "limits"):
        check(f"extension {ext}", s.has_extn(ext), text)
    check("VRFY says 252", s.verify("u1")[0] == 252)
    check("NOOP", s.noop()[0] == 250)
    check("HELP", s.docmd("HELP")[0] == 214)
    check("RSET", s.rset()[0] == 250)
    s.starttls(context=ctx)
    s.send_message(mail(U2, "über SMTP", b"\x00\x01\xff" * 1000), from_addr="x@remote.test", to_addrs=[U2])
    try:
        s.sendmail("x@remote.test", ["nobody@example.test"], "x")
        check("unknown user refused", False)
    except smtplib.SMTPRecipientsRefused as e:
        check("unknown user refused with 550 5.1.1", list(e.recipients.values())[0][0] == 550 and b"5.1.1" in list(e.recipients.values())[0][1], e)
    s.rset()
    s.ehlo_or_helo_if_needed()
    code, _ = s.docmd("MAIL", "FROM:<x@remote.test> SIZE=99999999999")
    check("too large by SIZE: 552", code == 552, code)
    # BDAT by hand
    s.rset()
    s.mail("x@remote.test")
    s.rcpt(U2)
    s.send("BDAT 20\r\nSubject: in pieces\r\n\r\n"[:9] + "Subject: in pieces\r\n")
    check("BDAT first chunk", s.getreply()[0] == 250)
    s.send("BDAT 9 LAST\r\n\r\nthe.end")
    check("BDAT last chunk", s.getreply()[0] == 250)
    s.send("BDAT 1\r\nx")
    check("BDAT without a transaction: 503", s.getreply()[0] == 503)
    s.quit()
    s = smtplib.SMTP_SSL(HOST, OFFSET + 465, context=ssl.create_default_context(cafile=CA), timeout=20)
    s.login(U1, PW)
    s.send_message(mail(U2, "submission"))
    s.sendmail(U1, [U2], b"From: u1@example.test\r\nSubject: no date\r\n\r\ntext\r\n")
    s.quit()
    s = smtplib.SMTP(HOST, OFFSET + 587, timeout=20)
    s.starttls(context=ctx)
    try:
        s.login(U1, "wrong")
        check("wrong password refused", False)
    except smtplib.SMTPAuthenticationError as e:
        check("wrong password refused with 535", e.smtp_code == 535, e)
    s.login(U1, PW)
    check("and the right one taken on the same connection", True)
    s.quit()
    s = smtplib.SMTP(HOST, OFFSET + 25, timeout=20)
    s.send_message(mail("Ünî@example.test".replace("Ünî", "u2"), "utf8"), from_addr="jörg@remote.test", to_addrs=[U2])
    s.quit()


def pop3():
    for name, p in (("plain", poplib.POP3(HOST, OFFSET + 110, timeout=20)), ("TLS", poplib.POP3_SSL(HOST, OFFSET + 995, context=ctx, timeout=20)), ("STLS", poplib.POP3(HOST, OFFSET + 110, timeout=20))):
        if name == "STLS":
            p.stls(context=ctx)
        caps = p.capa()
        for c in ("TOP", "UIDL", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE", "EXPIRE", "IMPLEMENTATION", "UTF8", "LANG"):
            check(f"pop3 {name}: CAPA {c}", c in caps, caps)
        if name != "plain":
            check(f"pop3 {name}: UTF8", p.utf8().startswith(b"+OK"))
        p.user(U2)
        p.pass_(PW)
        n, octets = p.stat()
        check(f"pop3 {name}: STAT", n == 5, n)
        sizes = [int(x.split()[1]) for x in p.list()[1]]
        check(f"pop3 {name}: LIST adds up", sum(sizes) == octets)
        lines = p.retr(1)[1]
        check(f"pop3 {name}: RETR has the announced octets", sum(len(x) + 2 for x in lines) == sizes[0], (sum(len(x) + 2 for x in lines), sizes[0]))
        text = b"\n".join(lines)
        check(f"pop3 {name}: subject", b"Subject: =?utf-8?" in text)
        top = p.top(1, 0)[1]
        check(f"pop3 {name}: TOP 0 is the header", top[-1] == b"" and len(top) < len(lines))
        ids = [x.split()[1] for x in p.uidl()[1]]
        check(f"pop3 {name}: UIDL unique", len(set(ids)) == n)
        p.dele(1)
        check(f"pop3 {name}: DELE hides", p.stat()[0] == n - 1)
        p.rset()
        check(f"pop3 {name}: RSET brings back", p.stat()[0] == n)
        p.quit()
    try:
        p = poplib.POP3(HOST, OFFSET + 110, timeout=20)
        p.user(U2)
        p.pass_("wrong")
        check("pop3: wrong password", False)
    except poplib.error_proto as e:
        check("pop3: wrong password gives -ERR [AUTH]", b"[AUTH]" in e.args[0], e)
    return ids


def imap(ids):
    for name, c in (("plain", imaplib.IMAP4(HOST, OFFSET + 143, 20)), ("TLS", imaplib.IMAP4_SSL(HOST, OFFSET + 993, ssl_context=ctx)), ("STARTTLS", imaplib.IMAP4(HOST, OFFSET + 143, 20))):
        if name == "STARTTLS":
            c.starttls(ctx)
        for cap in ("IMAP4REV1", "LITERAL+", "SASL-IR", "ID", "ENABLE"):
            check(f"imap {name}: {cap} before login", cap in c.capabilities, c.capabilities)
        c.login(U2, PW)
        caps = c.capability()[1][0].decode().upper().split()
        for cap in ("NAMESPACE", "CHILDREN", "UNSELECT", "UIDPLUS", "MOVE", "SPECIAL-USE", "IDLE", "QUOTA"):
            check(f"imap {name}: {cap}", cap in caps, caps)
        check(f"imap {name}: SELECT", c.select()[1] == [b"5"])
        c.close()
        c.logout()
    c = imaplib.IMAP4(HOST, OFFSET + 143, 20)
    c.authenticate("PLAIN", lambda _: b"\0" + U2.encode() + b"\0" + PW.encode())
    check("imap: AUTHENTICATE PLAIN", c.state == "AUTH")
    check("imap: NAMESPACE", c.namespace()[0] == "OK")
    folders = c.list()[1]
    for use in (b"\\Sent", b"\\Drafts", b"\\Trash", b"\\Junk", b"\\Archive"):
        check(f"imap: LIST shows {use}", any(use in x for x in folders), folders)
    check("imap: LSUB", len(c.lsub()[1]) == 6, c.lsub())
    check("imap: CREATE deep", c.create("a/b/c")[0] == "OK" and len(c.list('"a/"', "*")[1]) == 2)
    check("imap: CREATE again NO", c.create("a/b/c")[0] == "NO")
    check("imap: RENAME", c.rename("a/b", "a/x")[0] == "OK" and b"a/x/c" in c.list('""', "a/x/%")[1][0])
    check("imap: SUBSCRIBE", c.subscribe("a/x/c")[0] == "OK" and b"a/x/c" in c.lsub('""', "a/*")[1][0])
    c.select()
    typ, data = c.fetch("1:*", "(FLAGS UID INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)")
    check("imap: FETCH of everything", typ == "OK" and len(data) >= 5)
    typ, data = c.search(None, "SUBJECT", "submission")
    check("imap: SEARCH SUBJECT", data == [b"3"], data)
    typ, data = c.search("UTF-8", "SUBJECT", "über".encode()) if False else c._simple_command("SEARCH", "CHARSET", "UTF-8", "SUBJECT", '"SMTP"')
    data = c._untagged_response(typ, data, "SEARCH")[1]
    check("imap: SEARCH with CHARSET and encoded word", data == [b"1"], data)
    typ, data = c.search(None, 'BODY', '"aus"')
    check("imap: SEARCH BODY decodes", data and data[0].split()[:1] == [b"1"], data)
    typ, data = c.fetch("1", "(BODY.PEEK[2.MIME] BODY.PEEK[2] BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[TEXT]<0.10>)")
    parts = [x[0] for x in data if isinstance(x, tuple)]
    check("imap: sections", len(parts) == 4, parts)
    check("imap: \\Seen is untouched by PEEK", b"\\Seen" not in c.fetch("1", "(FLAGS)")[1][0])
    c.fetch("1", "(BODY[TEXT])")
    check("imap: \\Seen is set by BODY[]", b"\\Seen" in c.fetch("1", "(FLAGS)")[1][0])
    check("imap: STORE keyword", b"$label1" in c.store("2", "+FLAGS", "($label1 \\Flagged)")[1][0])
    typ, data = c.copy("1:2", "a/x/c")
    check("imap: COPY with COPYUID", b"COPYUID" in data[0], data)
    check("imap: COPY to nowhere TRYCREATE", b"TRYCREATE" in c.copy("1", "nowhere")[1][0])
    imaplib.Commands.setdefault("MOVE", ("SELECTED",))
    typ, data = c._simple_command("MOVE", "1", "Archive")
    check("imap: MOVE", typ == "OK" and c.select()[1] == [b"4"], data)
    c.store("1", "+FLAGS", "\\Deleted")
    check("imap: EXPUNGE", c.expunge()[1] == [b"1"])
    check("imap: STATUS", b"MESSAGES 3" in c.status("INBOX", "(MESSAGES UNSEEN UIDNEXT UIDVALIDITY RECENT)")[1][0])
    check("imap: quota", c.getquotaroot("INBOX")[0] == "OK")
    typ, data = c.append("Drafts", "(\\Draft)", imaplib.Time2Internaldate(time.time()), b"Subject: entwurf\r\n\r\nx\r\n")
    check("imap: APPEND with APPENDUID", b"APPENDUID" in data[0], data)
    check("imap: UNSELECT", c.unselect()[0] == "OK")
    check("imap: DELETE with inferiors", c.delete("a/x/c")[0] == "OK" and c.delete("a/x")[0] == "OK")
    check("imap: LOGOUT", c.logout()[0] == "BYE")


def imap_utf8():
    """RFC 6855: names and headers as they are, once the client has said so."""
    c = imaplib.IMAP4(HOST, OFFSET + 143, 20)
    c.login(U2, PW)
    check("imap: ENABLE UTF8=ACCEPT", c.enable("UTF8=ACCEPT")[0] == "OK")
    check("imap UTF-8: CREATE", c.create('"Entwürfe"')[0] == "OK")
    check("imap UTF-8: LIST", any("Entwürfe".encode() in x for x in c.list()[1]), c.list())
    # by hand, as Thunderbird sends it: imaplib before 3.14 puts UTF8 ( ) into the literal
    message, tag = "Subject: über\r\n\r\nx\r\n".encode(), c._new_tag()
    c.send(tag + ' APPEND "Entwürfe" (\\Draft) UTF8 (~{%d}\r\n'.encode() % len(message))
    check("imap UTF-8: asked for the literal8", c.readline().startswith(b"+"))
    c.send(message + b")\r\n")
    answer = c.readline()
    check("imap UTF-8: APPEND", answer.startswith(tag + b" OK [APPENDUID"), answer)
    check("imap UTF-8: SELECT", c.select('"Entwürfe"')[1] == [b"1"])
    typ, data = c.fetch("1", "(BODY.PEEK[] PREVIEW BINARY.SIZE[1])")
    check("imap UTF-8: FETCH", "Subject: über".encode() in data[0][1] and b"UTF8" not in data[0][1], data)
    c.close()
    check("imap UTF-8: DELETE", c.delete('"Entwürfe"')[0] == "OK")
    imaplib.Commands.setdefault("UNAUTHENTICATE", ("AUTH", "SELECTED"))
    check("imap: UNAUTHENTICATE", c._simple_command("UNAUTHENTICATE")[0] == "OK")
    c.state = "NONAUTH"
    check("imap: another login on it", c.login(U1, PW)[0] == "OK" and c.select()[0] == "OK")
    check("imap: LOGOUT after that", c.logout()[0] == "BYE")


smtp()
ids = pop3()
imap(ids)
imap_utf8()
print(f"{passed} passed, {failed} failed")
