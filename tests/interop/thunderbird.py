#!/usr/bin/env python3
"""What Thunderbird sends, octet for octet, to a running suite: host offset cafile domain u1 u2 password.

Every step is one that was seen on the wire; what each must answer is checked by the strict reader of imapwire.py."""
import base64
import re
import socket
import ssl
import threading
import time

from imapwire import Wrong, check_body, parse
from programs import CA, DOMAIN, HOST, OFFSET, PW, U1, U2, Lines, Program, b64, check, deliver, plain, result, text_of

NAMES = [f"mail.{DOMAIN}", f"imap.{DOMAIN}", f"smtp.{DOMAIN}", f"pop3.{DOMAIN}", DOMAIN, "localhost", HOST]
LIST_FIELDS = ("From To Cc Bcc Subject Date Message-ID Priority X-Priority References Newsgroups In-Reply-To "
               "Content-Type Reply-To Received")


# -- account set-up

def probe(port, name, implicit, hello, tls_command, commands, wanted):
    """A guess of the account wizard: the certificate must hold for the name."""
    c = Lines(port, name if implicit else None)
    reply = c.smtp_reply if port in (25, 465, 587) else c.line
    c_hello = reply()
    if not c_hello.startswith(hello):
        return f"greeting {c_hello}"
    seen = ""
    for phase in (0, 1) if not implicit else (1,):
        for command in commands:
            c.send(command)
            line = reply()
            seen += line + "\n"
            while port in (143, 993) and not re.match(r"\d ", line) or port in (110, 995) and line != "." and command == "CAPA":
                line = c.line()
                seen += line + "\n"
        if phase == 0:
            c.send(tls_command)
            line = reply()
            if not re.match(r"\+OK|220|\d OK", line):
                return f"{tls_command}: {line}"
            c.wrap(name)
    return "" if re.search(wanted, seen) else seen


def guesses():
    for port, implicit, tls in ((143, False, "2 STARTTLS"), (993, True, "")):
        for name in NAMES:
            check(f"IMAP on {port} as {name}", not (e := probe(port, name, implicit, "* OK", tls, ["1 CAPABILITY"], "IMAP4rev1.*AUTH=PLAIN")), e)
    for port, implicit in ((110, False), (995, True)):
        for name in NAMES:
            check(f"POP3 on {port} as {name}", not (e := probe(port, name, implicit, "+OK", "STLS", ["CAPA"], "SASL.*PLAIN")), e)
    for port, implicit in ((25, False), (587, False), (465, True)):
        for name in NAMES:
            wanted = "AUTH.*PLAIN" if port != 25 else "8BITMIME"
            check(f"SMTP on {port} as {name}", not (e := probe(port, name, implicit, "220", "STARTTLS", ["EHLO we-guess.mozilla.org"], wanted)), e)
    c = ssl.create_default_context(cafile=CA)
    try:
        c.wrap_socket(socket.create_connection((HOST, OFFSET + 993), timeout=20), server_hostname="other.test")
        check("a name that is not the server's fails", False)
    except ssl.SSLCertVerificationError:
        check("a name that is not the server's fails", True)


def wrong_passwords():
    c = Program(starttls=f"imap.{DOMAIN}")
    t = time.monotonic()
    for what, r in (("PLAIN", c.authenticate("PLAIN", plain(U1, "wrong"))),
                    ("LOGIN", c.authenticate("LOGIN", b64(U1), b64("wrong"))), ("login", c.say(f'login "{U1}" "wrong"'))):
        check(f"IMAP: a wrong password by {what} is told with its code", r[0] == "NO" and "[AUTHENTICATIONFAILED]" in r[2], r)
    r = c.authenticate("PLAIN", plain(U1, PW))
    check("IMAP: after three wrong ones the right one is taken on the same connection", r[0] == "OK", r)
    check("IMAP: all that takes under ten seconds", time.monotonic() - t < 10, time.monotonic() - t)
    check("IMAP: login tells the capabilities, or CAPABILITY does", "IMAP4rev1" in r[2] + text_of(r[1]) + text_of(c.say("CAPABILITY")[1]), r)
    c.say("LOGOUT")
    p = Lines(110)
    p.line()
    check("POP3: AUTH PLAIN", p.pop3("AUTH PLAIN").startswith("+"))
    r = p.pop3(plain(U1, "wrong"))
    check("POP3: a wrong password by PLAIN", r.startswith("-ERR [AUTH]"), r)
    p.pop3("AUTH LOGIN"), p.pop3(b64(U1))
    r = p.pop3(b64("wrong"))
    check("POP3: a wrong password by LOGIN", r.startswith("-ERR [AUTH]"), r)
    p.pop3(f"USER {U1}")
    r = p.pop3("PASS wrong")
    check("POP3: a wrong password by USER and PASS", r.startswith("-ERR [AUTH]"), r)
    p.pop3(f"USER {U1}")
    r = p.pop3(f"PASS {PW}")
    check("POP3: then the right one", r.startswith("+OK"), r)
    p.pop3("QUIT")


# -- reading

def session(select="INBOX", **how):
    """Thunderbird's way from the greeting to an open folder."""
    c = Program(**how or {"starttls": f"imap.{DOMAIN}"})
    c.say("CAPABILITY")
    status, _, text = c.authenticate("PLAIN", plain(U1, PW))
    if status != "OK":
        raise Wrong(f"login: {status} {text}")
    for command in ("NAMESPACE", 'ID ("name" "Thunderbird" "version" "153.0")',
                    'LIST (SUBSCRIBED) "" "*" RETURN (SPECIAL-USE)', 'LIST "" "INBOX"', f'SELECT "{select}"',
                    f'GETQUOTAROOT "{select}"', "UID fetch 1:* (FLAGS)"):
        status, untagged, text = c.say(command)
        if status != "OK":
            raise Wrong(f"{command}: {status} {text}")
    return c

def first_connection():
    c = Program(starttls=f"mail.{DOMAIN}")
    check("greeting", c.greeting.startswith(b"* OK"), c.greeting)
    status, untagged, _ = c.say("CAPABILITY")
    caps = text_of(untagged).split()
    check("no LOGINDISABLED over TLS, no STARTTLS again", "LOGINDISABLED" not in caps and "STARTTLS" not in caps, caps)
    check("AUTH=PLAIN and AUTH=LOGIN", {"AUTH=PLAIN", "AUTH=LOGIN"} <= set(caps), caps)
    status, untagged, text = c.authenticate("PLAIN", plain(U1, PW))
    check("AUTHENTICATE PLAIN without initial response", status == "OK", text)
    caps = (text + text_of(untagged) + text_of(c.say("CAPABILITY")[1])).replace("]", " ").split()
    for want in "IDLE NAMESPACE ID UIDPLUS MOVE UNSELECT CHILDREN SPECIAL-USE LIST-EXTENDED LITERAL+ QUOTA ENABLE".split():
        check(f"offers {want}", want in caps, caps)
    status, untagged, text = c.say("NAMESPACE")
    check("NAMESPACE", status == "OK" and '* NAMESPACE (("" "/")) (("Other Users/" "/")) NIL' in text_of(untagged), untagged)
    status, untagged, text = c.say('ID ("name" "Thunderbird" "version" "153.0")')
    check("ID", status == "OK" and text_of(untagged).startswith("* ID ("), untagged)
    status, untagged, text = c.say('LIST (SUBSCRIBED) "" "*" RETURN (SPECIAL-USE)')
    seen = text_of(untagged)
    for name, use in (("Sent", "\\Sent"), ("Drafts", "\\Drafts"), ("Trash", "\\Trash"), ("Junk", "\\Junk"), ("Archive", "\\Archive")):
        row = [l for l in seen.split("\n") if l.strip('"').endswith(name)]
        check(f"{name} is there, subscribed and {use}", status == "OK" and len(row) == 1 and use in row[0] and "\\Subscribed" in row[0], seen)
    status, untagged, text = c.say('list "" "INBOX"')
    check('LIST "" "INBOX"', status == "OK" and len(untagged) == 1 and b"INBOX" in untagged[0][0] and b'"/"' in untagged[0][0], untagged)
    status, untagged, text = c.say('Select "INBOX"')
    seen = text_of(untagged)
    for want in (r"\* FLAGS \(.*\\Seen", r"\* \d+ EXISTS", r"\* \d+ RECENT", r"\[UIDVALIDITY \d+\]", r"\[UIDNEXT \d+\]", r"\[PERMANENTFLAGS \(.*\\\*\)\]"):
        check(f"SELECT tells {want}", re.search(want, seen), seen)
    check("SELECT is [READ-WRITE]", status == "OK" and text.startswith("[READ-WRITE]"), text)
    status, untagged, text = c.say('GETQUOTAROOT "INBOX"')
    check("GETQUOTAROOT", status == "OK" and re.search(r'\* QUOTAROOT "?INBOX"?', text_of(untagged)), (status, untagged, text))
    rows = c.rows("UID fetch 1:* (FLAGS)")
    check("UID FETCH 1:* (FLAGS) gives UIDs", all("UID" in r and "FLAGS" in r for r in rows.values()), rows)
    for name in ("Sent", "Trash", "INBOX"):
        status, untagged, text = c.say(f'STATUS "{name}" (UIDNEXT MESSAGES UNSEEN RECENT)')
        check(f"STATUS {name}", status == "OK" and all(re.search(rf"[( ]{w} \d+[) ]", text_of(untagged)) for w in ("UIDNEXT", "MESSAGES", "UNSEEN", "RECENT")), untagged)
    return c


def pieces(c, uid, size):
    got, seen, n = b"", False, 0
    while n < size:
        rows = c.rows(f"UID fetch {uid} (UID RFC822.SIZE BODY[]<{n}.65536>)")
        row = next(r for r in rows.values() if f"BODY[]<{n}>" in r)
        seen = seen or any("\\Seen" in r.get("FLAGS", ()) for r in rows.values())
        part = row[f"BODY[]<{n}>"]
        if not part:
            break
        got += part
        n += 65536
    return got, seen


def reading(c):
    small = deliver("klein")
    big_body = (b'--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n'
                b'--b\r\nContent-Type: application/pdf; name="a.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
                b'Content-Disposition: attachment; filename="a.pdf"\r\n\r\n'
                + base64.encodebytes(bytes(range(256)) * 800).replace(b"\n", b"\r\n") + b"--b--\r\n")
    big = deliver("=?UTF-8?Q?gro=C3=9F?=", big_body, b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n')
    deliver("drei")
    status, untagged, text = c.say("noop")
    check("NOOP tells of the new mail", re.search(r"\* 3 EXISTS", text_of(untagged)), untagged)
    rows = c.rows(f"UID fetch 1:3 (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS ({LIST_FIELDS})])")
    check("the list fetch has a row for each message", len(rows) == 3, rows)
    for seq, row in rows.items():
        head = next((v for k, v in row.items() if k.startswith("BODY[HEADER.FIELDS")), b"")
        check(f"list fetch {seq}", head.endswith(b"\r\n\r\n") and b"Subject:" in head and b"MIME-Version" not in head and "\\Seen" not in row["FLAGS"], row)
    rows = c.rows("UID fetch 1 (UID RFC822.SIZE BODY[])")
    row = rows[1]
    check("display of a small one", row["BODY[]"].endswith(small) and len(row["BODY[]"]) == int(row["RFC822.SIZE"]), row)
    check("display sets \\Seen and says so", "\\Seen" in row.get("FLAGS", ()), row)
    size = int(c.rows("UID fetch 2 (RFC822.SIZE)")[2]["RFC822.SIZE"])
    got, seen = pieces(c, 2, size)
    check(f"display in pieces of 65536 of {size}", got.endswith(big) and len(got) == size, len(got))
    check("a piece sets \\Seen", seen)
    rows = c.rows("UID fetch 2 (UID RFC822.SIZE BODY[]<9999999.65536>)")
    check("a piece beyond the end is empty", rows[2].get("BODY[]<9999999>") == b"", rows)
    row = c.rows("UID fetch 2 (UID BODYSTRUCTURE)")[2]
    leaves = check_body(row["BODYSTRUCTURE"])
    check("BODYSTRUCTURE has two leaves", len(leaves) == 2, leaves)
    row = c.rows("UID fetch 2 (UID BODY.PEEK[HEADER] BODY.PEEK[1.MIME] BODY.PEEK[1] BODY.PEEK[2.MIME])")[2]
    check("parts on demand", row["BODY[1]"] == b"Gr\xc3\xbc\xc3\x9fe" and b"a.pdf" in row["BODY[2.MIME]"] and b"utf-8" in row["BODY[1.MIME]"], row)


# -- changing

def flags(c):
    for keyword in ("$label1", "$label5", "$Forwarded", "NonJunk", "$MDNSent", "projekt=20=c3=9cber", "\\Flagged", "\\Answered", "\\Deleted"):
        status, untagged, text = c.say(f"uid store 1 +Flags ({keyword})")
        check(f"+FLAGS ({keyword})", status == "OK" and keyword.lower() in text_of(untagged).lower(), (status, untagged, text))
    row = c.rows("UID fetch 1 (FLAGS)")[1]
    check("all of them are there", {"$label1", "NonJunk", "projekt=20=c3=9cber", "\\Deleted"} <= set(map(str, row["FLAGS"])), row)
    for keyword in ("projekt=20=c3=9cber", "\\Deleted"):
        status, untagged, text = c.say(f"uid store 1 -Flags ({keyword})")
        check(f"-FLAGS ({keyword})", status == "OK", text)
    row = c.rows("fetch 1 (FLAGS)")[1]
    check("and gone", "projekt=20=c3=9cber" not in row["FLAGS"] and "\\Deleted" not in row["FLAGS"], row)
    status, untagged, text = c.say('uid search keyword "projekt=20=c3=9cber"')
    check("SEARCH KEYWORD that no message has", status in ("OK", "BAD"), (status, text))
    other = session(port=993, tls=f"imap.{DOMAIN}")
    row = other.rows("UID fetch 1 (FLAGS)")[1]
    check("a second connection sees them", "$label1" in row["FLAGS"], row)
    other.say("uid store 1 -Flags ($label1)")
    status, untagged, text = c.say("noop")
    check("and its change is told to the first", re.search(r"\* 1 FETCH \(.*FLAGS", text_of(untagged)) and "$label1" not in text_of(untagged), untagged)
    other.say("LOGOUT")


def sending(c):
    """A copy to Sent without a date; drafts."""
    m = f"From: {U1}\r\nTo: {U2}\r\nSubject: aus\r\nMessage-ID: <sent-1@interop.test>\r\n\r\nText\r\n".encode()
    status, untagged, text = c.say('append "Sent" (\\Seen) ', m)
    check("APPEND to Sent without a date", status == "OK" and re.search(r"\[APPENDUID \d+ \d+\]", text), (status, text))
    c.n += 1
    tag = b"%d" % c.n
    c.sock.sendall(tag + b' append "Drafts" (\\Seen \\Draft) {%d+}\r\n' % len(m) + m + b"\r\n")
    status, untagged, text = c.end(tag)
    check("APPEND to Drafts with LITERAL+", status == "OK" and "APPENDUID" in text, text)
    c2 = session("Drafts")
    status, untagged, text = c2.say("UID SEARCH UNDELETED HEADER Message-ID <sent-1@interop.test>")
    check("the draft is found by its Message-ID", "* SEARCH 1" in text_of(untagged), untagged)
    c2.say("uid store 1 +FLAGS.SILENT (\\Deleted)")
    status, untagged, text = c2.say("uid expunge 1")
    check("and removed by UID EXPUNGE", status == "OK" and "* 1 EXPUNGE" in text_of(untagged), untagged)
    row = c2.say('STATUS "Sent" (MESSAGES UNSEEN)')
    check("the copy in Sent is seen", "MESSAGES 1 UNSEEN 0" in text_of(row[1]), row)
    c2.say("LOGOUT")


def moving(c):
    status, untagged, text = c.say('uid copy 1 "Archive"')
    check("COPY tells COPYUID", status == "OK" and re.search(r"\[COPYUID \d+ 1 1\]", text), text)
    status, untagged, text = c.say('uid move 3 "Trash"')
    seen = text_of(untagged) + text
    check("MOVE to Trash", status == "OK" and re.search(r"\[COPYUID \d+ 3 1\]", seen) and "* 3 EXPUNGE" in seen, seen)
    status, untagged, text = c.say('uid move 99 "Trash"')
    check("MOVE of what is gone is no error", status == "OK", text)
    status, untagged, text = c.say('uid move 1 "No such folder"')
    check("MOVE to no folder: [TRYCREATE]", status == "NO" and "[TRYCREATE]" in text, text)
    c2 = session("Trash")
    status, untagged, text = c2.say("STORE 1:* +FLAGS.SILENT (\\Deleted)")
    check("emptying Trash: STORE 1:* +FLAGS.SILENT tells no FETCH", status == "OK" and "FETCH" not in text_of(untagged), untagged)
    status, untagged, text = c2.say("Check")
    check("CHECK", status == "OK", text)
    status, untagged, text = c2.say("Close")
    check("CLOSE tells no EXPUNGE", status == "OK" and not untagged, untagged)
    status, untagged, text = c2.say('SELECT "Trash"')
    check("Trash is empty", "* 0 EXISTS" in text_of(untagged), untagged)
    for what in ("UID fetch 1:* (FLAGS)", "UID SEARCH ALL"):
        status, untagged, text = c2.say(what)
        check(f"{what} in an empty folder", status == "OK", (status, text))
    c2.say("LOGOUT")


def idling(c):
    others = [session(f) for f in ("Sent", "Drafts", "Trash", "Junk")]
    tags = [o.begin("idle") for o in others]
    for o in others:
        check("one of five connections idles in its own folder", o.line().startswith(b"+ "))
    before = int(re.search(r"\* (\d+) EXISTS", text_of(c.say('SELECT "INBOX"')[1])).group(1))
    for round_ in range(3):
        deliver(f"beim Filtern {round_}")
        status, untagged, text = c.say("uid store 1 +Flags (NonJunk)")  # the junk filter's; what it tells of new mail is not heard
        tag = c.begin("IDLE")
        check("+ idling", (line := c.line()).startswith(b"+ "), line)
        before += 1
        check("EXISTS again after it", (line := c.line()) == b"* %d EXISTS" % before, line)
        t = []
        thread = threading.Thread(target=lambda: (deliver(f"beim Warten {round_}"), t.append(time.monotonic())))
        thread.start()
        before += 1
        while (line := c.line()) != b"* %d EXISTS" % before:
            if not line.startswith(b"* "):
                break
        told = time.monotonic()
        thread.join()
        check(f"new mail is pushed ({(told - t[0]) * 1000:.0f} ms after the 250)", line == b"* %d EXISTS" % before and told - t[0] < 1, line)
        c.sock.sendall(b"DONE\r\n")
        status, untagged, text = c.end(tag)
        check("DONE", status == "OK", text)
    for o, tag in zip(others, tags):
        o.sock.sendall(b"DONE\r\n")
        status, untagged, text = o.end(tag)
        check("DONE of another", status == "OK", text)
        o.say("LOGOUT")


def searching(c):
    deliver("=?UTF-8?B?R3LDvMOfZSBhdXMgS8O2bG4=?=", "Der Text über Äpfel\r\n".encode(),
            b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n")
    status, untagged, text = c.say("noop")
    for what in (("uid search charset UTF-8 undeleted subject ", "grüße".encode()),
                 ("uid search charset UTF-8 body ", "ÄPFEL".encode()),
                 ("uid search charset UTF-8 or subject ", "köln".encode(), " from ", "nobody".encode()),
                 ("uid search charset UTF-8 text ", "Köln".encode(), " undeleted since 1-Jan-2020")):
        status, untagged, text = c.say(*what)
        m = re.match(r"\* SEARCH (\d+)$", text_of(untagged).strip())
        check(f"{what[0]}{{{len(what[1])}}}", status == "OK" and m, (status, untagged, text))
    status, untagged, text = c.say("uid search charset X-NONE subject ", b"x")
    check("an unknown charset: NO [BADCHARSET]", status == "NO" and "[BADCHARSET" in text, (status, text))


FOLDERS = [('Ein "Zitat"', 'Ein \\"Zitat\\"'), ("100 % sicher", "100 % sicher"), ("{5}", "{5}"), ("Klammern {12}", "Klammern {12}"),
           ("&2D3eAA- Spa&AN8-", "&2D3eAA- Spa&AN8-"), ("R&-D", "R&-D"), ("back\\slash", "back\\\\slash"), ("a*b", "a*b"),
           ("Archive/2026", "Archive/2026")]


def folders(c):
    for name, quoted in FOLDERS:
        status, untagged, text = c.say(f'create "{quoted}"')
        if status != "OK" and ("*" in name or "%" in name):
            check(f"CREATE {name} is refused with a word", status == "NO" and text, text)
            continue
        if not check(f"CREATE {name}", status == "OK", text):
            continue
        check(f"SUBSCRIBE {name}", c.say(f'subscribe "{quoted}"')[0] == "OK")
        status, untagged, text = c.say('LIST (SUBSCRIBED) "" "*" RETURN (SPECIAL-USE)')
        names = [parse([re.sub(rb"^\* LIST ", b"(", r[0])] + r[1:] + [b")"])[2] for r in untagged]
        check(f"LIST shows {name} as it is", name.encode() in [n if isinstance(n, bytes) else str(n).encode() for n in names], names)
        status, untagged, text = c.say(f'LIST "" "{quoted}"')
        check(f"LIST of {name} alone", status == "OK" and len(untagged) >= 1, untagged)
        m = f"From: {U1}\r\nSubject: x\r\n\r\n".encode()
        check(f"APPEND to {name}", c.say(f'append "{quoted}" (\\Seen) ', m)[0] == "OK")
        status, untagged, text = c.say(f'STATUS "{quoted}" (UIDNEXT MESSAGES UNSEEN RECENT)')
        check(f"STATUS {name}", status == "OK" and "MESSAGES 1" in text_of(untagged), untagged)
        status, untagged, text = c.say(f'select "{quoted}"')
        check(f"SELECT {name}", status == "OK" and "* 1 EXISTS" in text_of(untagged), (untagged, text))
        check(f"GETQUOTAROOT {name}", c.say(f'GETQUOTAROOT "{quoted}"')[0] == "OK")
        check("CLOSE", c.say("close")[0] == "OK")
        status, untagged, text = c.say(f'rename "{quoted}" "Trash/{quoted.replace("/", "-")}"')
        check(f"RENAME {name} into Trash", status == "OK", text)
        c.say(f'unsubscribe "{quoted}"')
        status, untagged, text = c.say(f'delete "Trash/{quoted.replace("/", "-")}"')
        check(f"DELETE {name}", status == "OK", text)
    c.say('SELECT "INBOX"')


# -- sending and POP3

def submission():
    for port, implicit in ((587, False), (465, True)):
        c = Lines(port, f"smtp.{DOMAIN}" if implicit else None)
        c.smtp_reply()
        if not implicit:
            check("EHLO of an address literal", c.smtp("EHLO [192.168.1.20]").startswith("250"))
            check("STARTTLS", c.smtp("STARTTLS").startswith("220"))
            c.wrap(f"smtp.{DOMAIN}")
        ehlo = c.smtp("EHLO [192.168.1.20]")
        check(f"{port}: EHLO offers what Thunderbird looks for", all(w in ehlo for w in ("SIZE", "8BITMIME", "AUTH", "PLAIN", "LOGIN", "SMTPUTF8")), ehlo)
        check(f"{port}: AUTH PLAIN, wrong", (r := c.smtp("AUTH PLAIN " + plain(U1, "wrong"))).startswith("535"), r)
        check(f"{port}: AUTH LOGIN", c.smtp("AUTH LOGIN").startswith("334") and c.smtp(b64(U1)).startswith("334"))
        check(f"{port}: its wrong password", (r := c.smtp(b64("wrong"))).startswith("535"), r)
        check(f"{port}: AUTH PLAIN, right", (r := c.smtp("AUTH PLAIN " + plain(U1, PW))).startswith("235"), r)
        m = f"Message-ID: <tb-{port}@interop.test>\r\nDate: Sun, 22 Nov 2026 13:00:00 +0100\r\nMIME-Version: 1.0\r\nTo: {U2}\r\nFrom: {U1}\r\nSubject: Von Thunderbird\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n..\r\n".encode()
        for sender in (U1, ""):
            r = c.smtp(f"MAIL FROM:<{sender}> BODY=8BITMIME SIZE={len(m)}")
            check(f"{port}: MAIL FROM:<{sender}>", r.startswith("250"), r)
            check(f"{port}: RCPT", (r := c.smtp(f"RCPT TO:<{U2}>")).startswith("250"), r)
            check(f"{port}: DATA", (r := c.smtp("DATA")).startswith("354"), r)
            c.send(m + b".\r\n")
            check(f"{port}: accepted", (r := c.smtp_reply()).startswith("250"), r)
        check(f"{port}: another's address as sender is refused", (r := c.smtp(f"MAIL FROM:<{U2}> BODY=8BITMIME SIZE=9")).startswith("5"), r)
        c.smtp("QUIT")


def pop3():
    for port, implicit in ((110, False), (995, True)):
        c = Lines(port, f"pop3.{DOMAIN}" if implicit else None)
        check(f"{port}: greeting", c.line().startswith("+OK"))
        if not implicit:
            caps = c.pop3("CAPA", True)
            check("CAPA has STLS", "STLS" in caps, caps)
            check("STLS", c.pop3("STLS").startswith("+OK"))
            c.wrap(f"pop3.{DOMAIN}")
        caps = c.pop3("CAPA", True)
        check(f"{port}: CAPA over TLS", {"USER", "TOP", "UIDL"} <= set(caps) and "STLS" not in caps and any(x.startswith("SASL PLAIN") for x in caps), caps)
        check(f"{port}: AUTH PLAIN", c.pop3("AUTH PLAIN").startswith("+ "))
        check(f"{port}: logged in", (r := c.pop3(plain(U2, PW))).startswith("+OK"), r)
        r = c.pop3("STAT").split()
        sizes = [x.split() for x in c.pop3("LIST", True)[1:]]
        ids = [x.split() for x in c.pop3("UIDL", True)[1:]]
        check(f"{port}: STAT, LIST and UIDL agree", int(r[1]) == len(sizes) == len(ids) and int(r[2]) == sum(int(s[1]) for s in sizes), r)
        for n, size in sizes:
            m = c.pop3(f"RETR {n}", True)
            check(f"{port}: RETR {n} has LIST's size", m[0].startswith("+OK") and sum(len(x.encode()) + 2 for x in m[1:]) == int(size), m[0])
            check(f"{port}: its text is whole", "Grüße" in m and "." in m, m)
        check(f"{port}: TOP", len(c.pop3("TOP 1 0", True)) > 3)
        check(f"{port}: DELE", c.pop3("DELE 1").startswith("+OK"))
        check(f"{port}: QUIT", c.pop3("QUIT").startswith("+OK"))
        check(f"{port}: the connection is closed", c.sock.recv(10) == b"")


def main():
    guesses()
    wrong_passwords()
    c = first_connection()
    for step in (reading, flags, sending, moving, idling, searching, folders):
        try:
            step(c)
        except (Wrong, EOFError, OSError, KeyError, StopIteration, IndexError) as e:
            check(f"{step.__name__} comes to its end", False, repr(e))
            c = session()
    check("LOGOUT", c.say("LOGOUT")[0] == "OK")
    submission()
    pop3()
    result()


main()
