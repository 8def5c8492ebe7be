#!/usr/bin/env python3
"""The habits of Outlook, of K-9 and FairEmail on telephones and of Apple Mail: host offset cafile domain u1 u2 password."""
import re

from imapwire import Wrong, check_body, check_envelope
from programs import DOMAIN, PW, U1, U2, Lines, Program, b64, check, deliver, plain, result, text_of

K9_FIELDS = ("date subject from content-type to cc reply-to message-id references in-reply-to list-unsubscribe "
             "sender X-K9mail-Identity X-Original-Recipients chat-version")
APPLE_FIELDS = ("date subject from to cc message-id in-reply-to x-priority x-uniform-type-identifier references "
                "x-universally-unique-identifier list-id list-unsubscribe bimi-indicator bimi-location "
                "authentication-results dkim-signature")
MIXED = (b'--b\r\nContent-Type: multipart/alternative; boundary="c"\r\n\r\n'
         b"--c\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"
         b"--c\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Gr\xc3\xbc\xc3\x9fe\r\n--c--\r\n"
         b'--b\r\nContent-Type: image/png; name="b.png"\r\nContent-Transfer-Encoding: base64\r\n'
         b'Content-Disposition: attachment; filename="b.png"\r\n\r\niVBORw0KGgo=\r\n--b--\r\n')
MIXED_HEAD = b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n'


def ok(c, what, *pieces, wanted=""):
    """A command that must succeed and whose answer holds the pattern; its untagged text."""
    status, untagged, text = c.say(*pieces)
    seen = text_of(untagged)
    check(what, status == "OK" and re.search(wanted, seen + "\n" + text, re.S), (status, untagged, text))
    return seen


# -- Outlook: IMAP4rev1 of 2003, CAPABILITY after login whatever was said before, AUTH LOGIN

def outlook_login():
    c = Program(993, tls=f"imap.{DOMAIN}")
    ok(c, "Outlook: CAPABILITY", "CAPABILITY", wanted=r"\* CAPABILITY IMAP4rev1 ")
    status, untagged, text = c.authenticate("LOGIN", b64(U1), b64(PW))
    check("Outlook: AUTHENTICATE LOGIN", status == "OK", text)
    ok(c, "Outlook: CAPABILITY again", "CAPABILITY", wanted=r"\* CAPABILITY IMAP4rev1 .*IDLE")
    c.say("LOGOUT")
    c = Program(starttls=f"imap.{DOMAIN}")
    status, untagged, text = c.authenticate("LOGIN " + b64(U1), b64(PW))
    check("Outlook's cloud: AUTHENTICATE LOGIN with an initial response", status == "OK", text)
    c.say("LOGOUT")
    for quoted in (f'LOGIN {U1} {PW}', f'LOGIN "{U1}" "{PW}"', f'login "{U1.upper()}" {PW}'):
        c = Program(993, tls=f"mail.{DOMAIN}")
        ok(c, f"Outlook: {quoted.split()[0]} {quoted.split()[1]}", quoted)
        ok(c, "Outlook: CAPABILITY after LOGIN", "CAPABILITY", wanted="IMAP4rev1")
        c.say("LOGOUT")
    c = Program(993, tls=f"mail.{DOMAIN}")
    ok(c, "LOGIN with literals", "LOGIN ", U1.encode(), " ", PW.encode())
    c.say("LOGOUT")
    for port, first in ((587, "AUTH LOGIN"), (465, f"AUTH LOGIN {b64(U1)}")):
        s = Lines(port, f"smtp.{DOMAIN}" if port == 465 else None)
        s.smtp_reply()
        if port == 587:
            s.smtp("EHLO DESKTOP-1"), s.smtp("STARTTLS")
            s.wrap(f"smtp.{DOMAIN}")
        s.smtp("EHLO DESKTOP-1")
        r = s.smtp(first)
        check(f"Outlook: {first.replace(b64(U1), '…')} on {port}", r.startswith("334 "), r)
        if port == 587:
            r = s.smtp(b64(U1))
            check("Outlook: the name", r == "334 UGFzc3dvcmQ6", r)
        r = s.smtp(b64(PW))
        check("Outlook: the password", r.startswith("235"), r)
        s.smtp(f"MAIL FROM: <{U1}>"), s.smtp(f"RCPT TO: <{U2}>")
        check("Outlook: blanks after the colon are borne", s.smtp("DATA").startswith("354"))
        s.send(f"From: {U1}\r\nTo: {U2}\r\nSubject: Outlook\r\n\r\nx\r\n.\r\n".encode())
        check("Outlook: sent, without Date and Message-ID", s.smtp_reply().startswith("250"))
        s.smtp("QUIT")


def outlook():
    outlook_login()
    deliver("eins")
    deliver("zwei", MIXED, MIXED_HEAD)
    c = Program(993, tls=f"imap.{DOMAIN}")
    c.say(f'LOGIN "{U1}" "{PW}"')
    c.say("CAPABILITY")
    ok(c, 'Outlook: LIST "" ""', 'LIST "" ""', wanted=r'\* LIST \([^)]*\) "/" ""')
    seen = ok(c, 'Outlook: LSUB "" "*"', 'LSUB "" "*"', wanted=r"\* LSUB \(")
    check("Outlook: LSUB has the folders that were made for it", all(f in seen for f in ("Sent", "Drafts", "Trash", "Junk")), seen)
    seen = ok(c, 'Outlook: LIST "" "*" names the special folders', 'LIST "" "*"', wanted=r"\\Sent.*Sent")
    check("Outlook: the children of each are told", all("Children" in l for l in seen.split("\n")), seen)
    ok(c, "Outlook 2013: XLIST", 'XLIST "" "*"', wanted=r"\* XLIST \([^)]*\\Sent[^)]*\).*Sent")
    seen = ok(c, "Outlook: SELECT", 'SELECT "INBOX"', wanted=r"EXISTS.*UIDVALIDITY")
    ok(c, "Outlook: UID FETCH 1:* (UID FLAGS)", "UID FETCH 1:* (UID FLAGS)", wanted=r"\* 1 FETCH \(UID \d+ FLAGS \(|\* 1 FETCH \(FLAGS")
    rows = c.rows("UID FETCH 1:2 (UID RFC822.SIZE BODYSTRUCTURE BODY.PEEK[HEADER])")
    check("Outlook: headers of both", len(rows) == 2 and all(r["BODY[HEADER]"].endswith(b"\r\n\r\n") for r in rows.values()), rows)
    row = c.rows("UID FETCH 2 (UID BODY.PEEK[])")[2]
    check("Outlook: the whole of one", row["BODY[]"].endswith(MIXED) and "FLAGS" not in row, row)
    row = c.rows("FETCH 2 RFC822")[2]
    check("Outlook: RFC822 sets \\Seen", row["RFC822"].endswith(MIXED) and "\\Seen" in row["FLAGS"], row)
    check("Outlook: RFC822.HEADER, RFC822.TEXT", {"RFC822.HEADER", "RFC822.TEXT"} <= set(c.rows("FETCH 2 (RFC822.HEADER RFC822.TEXT)")[2]))
    seen = ok(c, "Outlook: silent \\SEEN", "UID STORE 1:* +FLAGS.SILENT (\\SEEN)")
    check("Outlook: and silent it is", seen == "", seen)
    ok(c, "Outlook: \\Deleted", "UID STORE 1 +FLAGS (\\Deleted)", wanted=r"\\Deleted")
    ok(c, "Outlook: EXPUNGE", "EXPUNGE", wanted=r"\* 1 EXPUNGE")
    tag = c.begin("IDLE")
    check("Outlook: idles", c.line().startswith(b"+ "))
    c.sock.sendall(b"DONE\r\n")
    check("Outlook: done", c.end(tag)[0] == "OK")
    ok(c, "Outlook: re-SELECT without CLOSE", 'SELECT "Sent"', wanted=r"\[CLOSED\]|EXISTS")
    c.say("LOGOUT")


# -- telephones

def k9():
    c = Program(993, tls=f"imap.{DOMAIN}")
    status, untagged, text = c.say("AUTHENTICATE PLAIN " + plain(U1, PW))
    check("K-9: AUTHENTICATE PLAIN with an initial response", status == "OK", text)
    ok(c, "K-9: CAPABILITY", "CAPABILITY", wanted="IDLE")
    ok(c, "K-9: ID", 'ID ("name" "Thunderbird for Android" "version" "8.0")', wanted=r"\* ID \(")
    ok(c, "K-9: ID NIL", "ID NIL", wanted=r"\* ID ")
    ok(c, "K-9: NAMESPACE", "NAMESPACE", wanted=r'\* NAMESPACE \(\(""')
    ok(c, "K-9: ENABLE UTF8=ACCEPT", "ENABLE UTF8=ACCEPT", wanted=r"\* ENABLED UTF8=ACCEPT")
    ok(c, "K-9: LIST with SPECIAL-USE", 'LIST "" "*" RETURN (SPECIAL-USE)', wanted=r"\\Trash.*Trash")
    ok(c, "K-9: LIST-STATUS", 'LIST "" "*" RETURN (SPECIAL-USE SUBSCRIBED CHILDREN STATUS (MESSAGES UNSEEN))', wanted=r"\* STATUS \"?INBOX\"? \(MESSAGES \d+ UNSEEN \d+\)")
    ok(c, "FairEmail: STATUS with SIZE", 'STATUS "INBOX" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN SIZE)', wanted=r"SIZE \d+")
    deliver("mit Teilen", MIXED, MIXED_HEAD)
    seen = ok(c, "K-9: SELECT", 'SELECT "INBOX"', wanted=r"\[PERMANENTFLAGS .*\\\*")
    n = int(re.search(r"\* (\d+) EXISTS", seen).group(1))
    uids = ok(c, "K-9: which there are", "UID SEARCH 1:* NOT DELETED", wanted=r"\* SEARCH( \d+)+").split()[2:]
    ok(c, "K-9: since a day", "UID SEARCH 1:* SINCE 01-Nov-2020 NOT DELETED", wanted=r"\* SEARCH( \d+)+")
    rows = c.rows(f"UID FETCH {','.join(uids)} (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS ({K9_FIELDS})])")
    check("K-9: its list fetch", len(rows) == n and all(re.match(rb"[ \d]\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d [+-]\d{4}$", r["INTERNALDATE"]) for r in rows.values()), rows)
    row = c.rows(f"UID FETCH {uids[-1]} (UID BODYSTRUCTURE)")[n]
    leaves = check_body(row["BODYSTRUCTURE"])
    check("K-9: BODYSTRUCTURE", [l[0] for l in leaves] == ["1.1", "1.2", "2"], leaves)
    row = c.rows(f"UID FETCH {uids[-1]} (UID BODY.PEEK[1.1] BODY.PEEK[1.1.MIME])")[n]
    check("K-9: one part of it", row["BODY[1.1]"] == b"Gr\xc3\xbc\xc3\x9fe", row)
    row = c.rows(f"UID FETCH {uids[-1]} (UID BODY.PEEK[]<0.32768>)")[n]
    check("K-9: its first 32 KB", row["BODY[]<0>"].endswith(MIXED), row)
    row = c.rows(f"UID FETCH {uids[-1]} (ENVELOPE INTERNALDATE RFC822.SIZE FLAGS BODYSTRUCTURE BODY.PEEK[HEADER])")
    check_envelope(row[n]["ENVELOPE"])
    check("FairEmail: all at once", len(row[n]) >= 7, row)
    for bad in (f"UID FETCH {uids[-1]} (X-GM-MSGID)", "UID FETCH 1:* (FLAGS) (CHANGEDSINCE x)", "GETMETADATA \"\" /x", "COMPRESS LZ4"):
        status, untagged, text = c.say(bad)
        check(f"{bad}: not here, and told so", status in ("BAD", "NO"), (status, text))
    ok(c, "FairEmail: UNSELECT", "UNSELECT")
    status, untagged, text = c.say("UID FETCH 1 (FLAGS)")
    check("nothing is selected then", status == "BAD", (status, text))
    many = [Program(993, tls=f"imap.{DOMAIN}") for _ in range(50)]
    for i, p in enumerate(many):
        p.say("AUTHENTICATE PLAIN " + plain(U1, PW))
        p.say(f'SELECT "{("INBOX", "Sent", "Archive", "Drafts", "Junk")[i % 5]}"')
        p.tag = p.begin("IDLE")
    check("K-9: fifty push folders idle at once", all(p.line().startswith(b"+ ") for p in many))
    deliver("an alle")
    told = 0
    for p in many[::5]:
        p.sock.settimeout(3)
        try:
            while (line := p.line()) != b"* %d EXISTS" % (n + 1):
                pass
            told += 1
        except TimeoutError:
            pass
    check("and those on INBOX are told of new mail", told == 10, told)
    for p in many:
        p.sock.close()
    c.say("LOGOUT")


# -- Apple Mail: several commands at once, and no waiting

def apple():
    c = Program(993, tls=f"imap.{DOMAIN}")
    status, untagged, text = c.say("AUTHENTICATE PLAIN " + plain(U1, PW))
    check("Apple: login", status == "OK", text)
    ok(c, "Apple: ID", 'ID ("name" "Mac OS X Mail" "version" "16.0 (3826.300)" "os" "Mac OS X" "os-version" "26.1" "vendor" "Apple Inc.")', wanted=r"\* ID ")
    tags = [c.begin(x) for x in ('LIST "" ""', 'LIST "" "*"', 'LSUB "" "*"', 'STATUS "INBOX" (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)', 'SELECT "INBOX"')]
    answers = [c.end(t) for t in tags]
    check("Apple: five commands at once are answered in order", all(a[0] == "OK" for a in answers), answers)
    n = int(re.search(r"\* (\d+) EXISTS", text_of(answers[4][1])).group(1))
    rows = c.rows("FETCH 1:* (FLAGS UID)")
    check("Apple: FETCH 1:* (FLAGS UID)", len(rows) == n, rows)
    rows = c.rows(f"UID FETCH 1:{max(int(r['UID']) for r in rows.values())} (INTERNALDATE UID RFC822.SIZE FLAGS BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS ({APPLE_FIELDS})])")
    check("Apple: its list fetch", len(rows) == n and all(check_body(r["BODYSTRUCTURE"]) for r in rows.values()), rows)
    rows = c.rows("FETCH 1 (BODY.PEEK[HEADER] BODY.PEEK[TEXT])")
    check("Apple: header and text apart", {"BODY[HEADER]", "BODY[TEXT]"} <= set(rows[1]), rows)
    for keyword in ("$NotJunk", "NotJunk", "$MailFlagBit0", "$MailFlagBit2", "Forwarded", "Redirected"):
        ok(c, f"Apple: {keyword}", f"STORE 1 +FLAGS ({keyword})", wanted=re.escape(keyword))
    ok(c, "Apple: STORE 1 FLAGS without brackets", "STORE 1 +FLAGS \\Flagged", wanted=r"\\Flagged")
    tags = [c.begin(x) for x in ('UID COPY 1:* "Archive"', "STORE 1:* +FLAGS.SILENT (\\Deleted)", "CLOSE")]
    answers = [c.end(t) for t in tags]
    check("Apple: copies, marks and closes at once", all(a[0] == "OK" for a in answers), answers)
    ok(c, "Apple: CREATE", 'CREATE "Sent Messages"')
    m = f"From: {U1}\r\nSubject: x\r\n\r\ny\r\n".encode()
    seen = ok(c, "Apple: APPEND with a date", 'APPEND "Sent Messages" (\\Seen $NotJunk NotJunk) " 2-Nov-2026 12:00:00 +0100" ', m, wanted="APPENDUID")
    ok(c, "Apple: EXAMINE", 'EXAMINE "Sent Messages"', wanted=r"\[READ-ONLY\]")
    rows = c.rows("FETCH 1 (FLAGS INTERNALDATE BODY[])")
    check("Apple: the date is kept, and EXAMINE sets nothing", rows[1]["INTERNALDATE"].strip() == b"2-Nov-2026 12:00:00 +0100" and rows[1]["BODY[]"] == m, rows)
    ok(c, "Apple: SELECT without CLOSE", "SELECT INBOX", wanted=r"\* 0 EXISTS")
    ok(c, "Apple: DELETE", 'DELETE "Sent Messages"')
    ok(c, "LOGOUT", "LOGOUT", wanted=r"\* BYE")


def main():
    for program in (outlook, k9, apple):
        try:
            program()
        except (Wrong, EOFError, OSError, KeyError, StopIteration, IndexError, AttributeError) as e:
            check(f"{program.__name__} comes to its end", False, repr(e))
    result()


main()
