#!/usr/bin/env python3
"""The table of t_sending.sh: each case is a mail from u1; then what is left in the queue, what the trace says, and what
u1 was told, by the reports in its INBOX as Python's email package reads them.

Arguments as those of programs.py; environment: SENDING (configuration), PILLARBOX, HAVE (which peers are there), ONLY (cases whose
name has this word)."""
import email
import email.policy
import imaplib
import json
import os
import signal
import smtplib
import ssl
import subprocess
import sys
import time

from programs import CA, DOMAIN, HOST, OFFSET, PW, U1, U2, check, result

ZONE = "peers.test"
TIMEOUT = float(os.environ.get("SENDING_SECONDS", "25"))
HAVE = os.environ.get("HAVE", "").split(",")


class Case:
    """`to`: recipients. want: what becomes of the first, "sent", "failed", "waiting" or "refused" (at RCPT by ourselves); or one for
    each recipient. status and words: of the report, or of the row that waits. told: the actions in reports to the sender."""

    def __init__(self, name, to, want="sent", status="", words="", told=None, mail=(), rcpt=(), text="Hello.", head="", peer="sink", ret=None, envid=None, orcpt=None, raw=None):
        self.name, self.status, self.words, self.mail, self.rcpt, self.text, self.head, self.peer = name, status, words, list(mail), list(rcpt), text, head, peer
        self.to = [t if t.count(".") else f"{t}.{ZONE}" for t in to.split()]
        self.want = want.split() if " " in want else [want] * len(self.to)
        default = {"sent": [], "failed": ["failed"], "waiting": ["delayed"], "refused": []}
        self.told = sorted(told.split() if told is not None else [a for w in self.want for a in default[w]])
        self.ret, self.envid, self.orcpt, self.raw = ret, envid, orcpt, raw
        self.refused = {}


GONE = "4.4.2"
CASES = [
    Case("plain", "b@plain"),
    Case("waits before it answers", "b@slow"),
    Case("knows no EHLO", "b@old"),
    Case("refuses EHLO, takes HELO", "b@helo"),
    Case("no PIPELINING", "b@nopipe c@nopipe"),
    Case("two recipients", "c@plain d@plain"),
    Case("two domains", "e@plain e@nodsn"),
    # refusals for good
    Case("500 instead of a greeting", "b@hard-connect", "failed", "5.", "500 5.3.0"),
    Case("500 to EHLO and HELO", "b@hard-ehlo", "failed", "5.", "500 5.3.0"),
    Case("500 to MAIL", "b@hard-mail", "failed", "5.3.0", "500 5.3.0 Error: command failed"),
    Case("500 to RCPT", "b@hard-rcpt", "failed", "5.3.0", "500 5.3.0 Error: command failed"),
    Case("500 to DATA", "b@hard-data", "failed", "5.3.0", "500 5.3.0 Error: command failed"),
    Case("500 to the message", "b@hard-dot c@hard-dot", "failed", "5.3.0", "500 5.3.0 Error: command failed"),
    # for now
    Case("450 instead of a greeting", "b@soft-connect", "waiting", "4.", "450 4.3.0"),
    Case("450 to EHLO and HELO", "b@soft-ehlo", "waiting", "4.", "450 4.3.0"),
    Case("450 to MAIL", "b@soft-mail", "waiting", "4.3.0", "450 4.3.0 Error: command failed"),
    Case("450 to RCPT", "b@soft-rcpt", "waiting", "4.3.0", "450 4.3.0 Error: command failed"),
    Case("450 to DATA", "b@soft-data", "waiting", "4.3.0", "450 4.3.0 Error: command failed"),
    Case("450 to the message", "b@soft-dot", "waiting", "4.3.0", "450 4.3.0 Error: command failed"),
    Case("closed at once", "b@gone-connect", "waiting", "4.4.", "closed"),
    Case("closed at EHLO", "b@gone-ehlo", "waiting", "4.4.", "closed"),
    Case("closed at MAIL", "b@gone-mail", "waiting", GONE, "closed"),
    Case("closed at RCPT", "b@gone-rcpt", "waiting", GONE, "closed"),
    Case("closed at DATA", "b@gone-data", "waiting", GONE, "closed"),
    Case("closed after the message", "b@gone-dot", "waiting", GONE, "closed"),
    Case("421 instead of a greeting", "b@bye-connect", "waiting", "4.", "421"),
    Case("421 to EHLO", "b@bye-ehlo", "waiting", "4.", "421"),
    Case("421 to MAIL", "b@bye-mail", "waiting", "4.", "421"),
    Case("421 to RCPT", "b@bye-rcpt c@bye-rcpt", "waiting", "4.", "421"),
    Case("421 to DATA", "b@bye-data", "waiting", "4.", "421"),
    Case("421 to the message", "b@bye-dot", "waiting", "4.", "421"),
    # ways
    Case("first MX: nobody listens", "b@dead-first"),
    Case("first MX: refuses to talk", "b@refusing-first"),
    Case("first MX: busy", "b@busy-first"),
    Case("first MX: closes", "b@closing-first"),
    Case("first address: nobody listens", "b@two-addresses"),
    Case("nobody listens at the only MX", "b@nobody", "waiting", "4.4.1", "refused"),
    Case("no MX, an address", "b@bare"),
    Case("a CNAME", "b@cname"),
    Case("null MX", "b@null", "failed", "5.1.10", "accepts no mail"),
    Case("no such domain", "b@missing", "failed", "5.1.2", "no such mail domain"),
    Case("a domain without mail", "b@text", "failed", "5.1.2", ""),
    Case("MX without an address", "b@lost", "failed", "5.4.4", ""),
    Case("MX that is ourselves", "b@loop", "failed", "5.4.6", "circle"),
    Case("name server that refuses", "b@nowhere.refused.example", "waiting", "4.4.3", ""),
    Case("literal address", "b@[127.0.13.10]"),
    # forms
    Case("8BITMIME to a server without", "b@seven", mail=["BODY=8BITMIME"], text="Grüße aus Köln"),
    Case("SMTPUTF8 to a server without", "jürgen@plain", "failed", "5.6.7", "beyond ASCII", mail=["SMTPUTF8", "BODY=8BITMIME"], text="Grüße"),
    Case("UTF-8 domain, ASCII address", "b@bücher", mail=["SMTPUTF8", "BODY=8BITMIME"], text="Grüße"),
    Case("UTF-8 domain, and a field beyond ASCII", "c@bücher", "failed", "5.6.7", "beyond ASCII", mail=["SMTPUTF8", "BODY=8BITMIME"], head="X-Name: Jürgen\r\n"),
    Case("SMTPUTF8 to another suite", "u1@pillarbox", mail=["SMTPUTF8", "BODY=8BITMIME"], head="X-Name: Jürgen\r\n", text="Grüße", peer="pillarbox"),
    # delivery status notifications
    Case("NOTIFY=NEVER", "never@hard-rcpt", "failed", told="", rcpt=["NOTIFY=NEVER"]),
    Case("NOTIFY=FAILURE, for now", "failure@soft-rcpt", "waiting", "4.3.0", told="", rcpt=["NOTIFY=FAILURE"]),
    Case("NOTIFY=SUCCESS alone, refused", "success@hard-rcpt", "failed", told="", rcpt=["NOTIFY=SUCCESS"]),
    Case("NOTIFY=SUCCESS, a server without DSN", "success@nodsn", "sent", "2.", told="relayed", rcpt=["NOTIFY=SUCCESS"]),
    Case("NOTIFY=SUCCESS, a server with DSN", "success@plain", "sent", told="", rcpt=["NOTIFY=SUCCESS"]),
    Case("NOTIFY=SUCCESS, here", U2, "sent", "2.", told="delivered", rcpt=["NOTIFY=SUCCESS"], peer="local"),
    Case("RET=HDRS", "hdrs@hard-rcpt", "failed", "5.3.0", mail=["RET=HDRS"], ret="text/rfc822-headers"),
    Case("RET=FULL", "full@hard-rcpt", "failed", "5.3.0", mail=["RET=FULL"], ret="message/rfc822", text="x" * 70 + ("\r\n" + "y" * 70) * 2000),
    Case("large without RET", "large@hard-rcpt", "failed", "5.3.0", ret="text/rfc822-headers", text="x" * 70 + ("\r\n" + "y" * 70) * 2000),
    Case("ENVID, ORCPT", "envid@hard-rcpt", "failed", "5.3.0", mail=["ENVID=a+2Bb"], rcpt=["ORCPT=rfc822;x+2By@z.example"], envid="a+b", orcpt="rfc822;x+y@z.example"),
    # another suite
    Case("another suite", "u2@pillarbox", peer="pillarbox"),
    Case("another suite, one recipient wrong", "u2@pillarbox nobody@pillarbox", "sent failed", "5.1.1", "550 5.1.1", peer="pillarbox"),
    Case("smart host, STARTTLS, AUTH", "right@smart", peer="pillarbox"),
    Case("smart host, TLS from the start, AUTH", "right@smarts", peer="pillarbox"),
    Case("smart host, wrong password", "right@wrong", "waiting", "4.7.", "535", peer="pillarbox"),
    Case("LMTP", "right@lmtp nobody@lmtp", "sent failed", "5.1.1", "550 5.1.1", peer="pillarbox"),
    # Postfix
    Case("Postfix", "right@postfix", peer="postfix"),
    Case("Postfix, unknown user", "wrong@postfix", "failed", "5.1.1", "User unknown", peer="postfix"),
    Case("Postfix, one right, one wrong", "right@postfix wrong2@postfix", "sent failed", "5.1.1", "User unknown", peer="postfix"),
    Case("Postfix, greylisted", "grey@postfix", "waiting", "4.7.1", "Greylisted", peer="postfix"),
    Case("Postfix, full", "full@postfix", "failed", "5.2.2", "The mailbox is full", peer="postfix"),
    Case("Postfix, too large (SIZE)", "large@postfix", "failed", "5.3.4", "too large", text=("y" * 70 + "\r\n") * 1000, peer="postfix"),
    Case("Postfix, NOTIFY=SUCCESS", "right@postfix", "sent", told="delivered", rcpt=["NOTIFY=SUCCESS"], mail=["ENVID=p1"], envid="p1", peer="postfix-dsn"),
    Case("OpenSMTPD", "right@opensmtpd", peer="opensmtpd"),
    Case("OpenSMTPD, unknown user", "wrong@opensmtpd", "failed", "5.2.4", "524 5.2.4", peer="opensmtpd"),
]


def ctl(*args):
    return subprocess.run([os.environ["PILLARBOX"], "-c", os.environ["SENDING"], *args], capture_output=True, text=True, timeout=60)


def submit(cases):
    s = smtplib.SMTP(HOST, OFFSET + 587, "c.test", timeout=60)
    s.starttls(context=ssl._create_unverified_context())
    s.login(U1, PW)
    for c in cases:
        text = (f"From: Ann <{U1}>\r\nTo: <{c.to[0]}>\r\nSubject: case {c.name}\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n"
                f"Message-ID: <{abs(hash(c.name))}.{time.time_ns()}@interop.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                f"Content-Transfer-Encoding: 8bit\r\n{c.head}\r\n{c.text}\r\n").encode()
        s.ehlo_or_helo_if_needed()
        options = [f"size={len(text)}"] + c.mail
        code, said = command(s, f"MAIL FROM:<{U1}> {' '.join(options)}")
        if code != 250:
            c.refused[""] = (code, said)
            command(s, "RSET")
            continue
        for t in c.to:
            code, said = command(s, f"RCPT TO:<{t}> {' '.join(c.rcpt)}".rstrip())
            if code != 250:
                c.refused[t] = (code, said)
        if len(c.refused) == len(c.to):
            command(s, "RSET")
            continue
        code, said = s.data(text)
        if code != 250:
            c.refused[""] = (code, said)
    s.quit()


def command(s, line):
    """As UTF-8, which smtplib's own docmd() sends only after mail()."""
    s.send(line.encode() + b"\r\n")
    return s.getreply()


def queue():
    out = ctl("queue", "list", "--json")
    return json.loads(out.stdout or "[]") if out.returncode == 0 else []


def trace():
    return json.loads(ctl("trace", "--json", "--last", "10000").stdout or "[]")


class Told:
    """A report, taken apart. Whatever is not as RFC 3464, 6522 and 3834 have it goes to `wrong`."""

    def __init__(self, octets):
        m = email.message_from_bytes(octets, policy=email.policy.default)
        self.wrong, self.message, self.rcpts, self.text, self.subject = [], m, [], "", ""
        self.is_report = m.get_content_type() == "multipart/report"
        if not self.is_report:
            self.subject = str(m["Subject"])
            return
        parts = list(m.iter_parts())
        self.need(m.get_param("report-type") == "delivery-status", "report-type")
        self.need(len(parts) == 3, f"{len(parts)} parts")
        self.need(m["Return-Path"] == "<>", f"Return-Path {m['Return-Path']}")
        self.need(str(m["Auto-Submitted"]).startswith("auto-"), "Auto-Submitted")
        for name in ("From", "To", "Date", "Message-ID", "Subject", "MIME-Version"):
            self.need(len(m.get_all(name, [])) == 1, name)
        self.need(U1 in str(m["To"]), "To")
        for d in m.walk():
            self.need(not d.defects, f"{d.get_content_type()}: {d.defects}")
        if len(parts) < 3:
            return
        self.text = " ".join(parts[0].get_content().split())
        self.kind = parts[1].get_content_type()
        blocks = []
        for b in parts[1].get_payload():
            blocks.append(dict((k.lower(), str(v)) for k, v in b.items()))
            # message/global-delivery-status (RFC 6533) is one message to the parser: the recipients are its text
            if self.kind.endswith("/global-delivery-status"):
                for more in b.get_payload(decode=True).decode().replace("\r\n", "\n").strip().split("\n\n"):
                    blocks.append(dict((k.lower(), v.strip()) for k, v in (line.split(":", 1) for line in more.replace("\n ", " ").replace("\n\t", " ").split("\n"))))
        blocks = [b for b in blocks if b]
        self.need("reporting-mta" in blocks[0], "Reporting-MTA")
        self.per_message, self.rcpts = blocks[0], blocks[1:]
        self.need(len(self.rcpts) > 0, "no recipient")
        for b in self.rcpts:
            for f in ("final-recipient", "action", "status"):
                self.need(f in b, f)
        self.original = parts[2].get_content_type()
        inner = parts[2].get_payload()
        if isinstance(inner, list):
            inner = inner[0]
        else:
            inner = email.message_from_bytes(parts[2].get_payload(decode=True), policy=email.policy.default)
        self.subject = str(inner["Subject"])

    def need(self, good, what):
        if not good:
            self.wrong.append(what)


def inbox(seen={}):
    m = imaplib.IMAP4(HOST, OFFSET + 143)
    m.login(U1, PW)
    m.select("INBOX", readonly=True)
    uids = m.uid("SEARCH", "ALL")[1][0].split()
    for u in uids:
        if u not in seen:
            seen[u] = Told(m.uid("FETCH", u.decode(), "(BODY.PEEK[])")[1][0][1])
    m.logout()
    return list(seen.values())


def reports_of(c, told):
    return [t for t in told if t.is_report and t.subject == f"case {c.name}"]


def address_of(row):
    return row["recipient"]["address"]


def ready(c, rows, told):
    """Whether all is there that is waited for."""
    if c.refused:
        return True
    actions = sorted(r.get("action", "").split()[0] for t in reports_of(c, told) for r in t.rcpts)
    mine = {address_of(r): r["recipient"] for r in rows if any(address_of(r) == t for t in c.to) and c.ids & {r["message_id"]}}
    for t, w in zip(c.to, c.want):
        if w == "waiting":
            row = mine.get(t)
            if not row or row["attempts"] < 1 or not row["last_reply"]:
                return False
        elif t in mine:
            return False
    return len(actions) >= len(c.told)


def judge(c, rows, events, told):
    problems = []
    if c.refused:
        problems.append(f"refused: {c.refused}")
    if not c.ids and not c.refused:
        problems.append("not in the trace")
    mine = {address_of(r): r["recipient"] for r in rows if r["message_id"] in c.ids}
    seen = [e for m in events if m["message_id"] in c.ids and m["sender"] for e in m["events"]]
    for t, w in zip(c.to, c.want):
        kinds = [e["event"] for e in seen if e["recipient"] == t]
        if w == "waiting":
            row = mine.get(t)
            if not row:
                problems.append(f"{t} is not in the queue: {kinds}")
            elif c.words and c.words not in row["last_reply"]:
                problems.append(f"{t} waits, {row['last_reply']!r} ({row['last_host']})")
            if "deferred" not in kinds:
                problems.append(f"trace of {t}: {kinds}")
        else:
            if t in mine:
                problems.append(f"{t} is still in the queue: {mine[t]}")
            wanted = {"sent": ["delivered", "stored"], "failed": ["failed"]}[w]
            if not any(k in kinds for k in wanted) or (w == "sent" and "failed" in kinds):
                problems.append(f"trace of {t}: {[(e['event'], e['text']) for e in seen if e['recipient'] == t]}")
    reports = reports_of(c, told)
    actions = sorted(r.get("action", "").split()[0] for t in reports for r in t.rcpts)
    if actions != c.told:
        problems.append(f"told {actions}, wanted {c.told}")
    for t in reports:
        problems += t.wrong
        for r in t.rcpts:
            if not r["status"].startswith(c.status):
                problems.append(f"status {r['status']}")
            if r["action"].split()[0] == "failed" and not r["status"].startswith("5"):
                problems.append(f"failed with status {r['status']}")
            if c.orcpt and r.get("original-recipient", "").replace(" ", "") != c.orcpt:
                problems.append(f"Original-Recipient {r.get('original-recipient')}")
        if "waiting" not in c.want and c.words and c.words not in t.text:
            problems.append(f"text {t.text!r}")
        if c.envid and t.per_message.get("original-envelope-id") != c.envid:
            problems.append(f"Original-Envelope-Id {t.per_message.get('original-envelope-id')}")
        if c.ret and t.original != c.ret:
            problems.append(f"original as {t.original}")
    if check(f"{c.name}: {' '.join(sorted(set(c.want)))}, told: {' '.join(actions) or 'nothing'}", not problems, "; ".join(problems)) and os.environ.get("SHOW"):
        for t in reports:
            print(t.message.as_string())
    return not problems


def ids_of(c, events):
    return {m["message_id"] for m in events if m["message_id"].startswith(f"{abs(hash(c.name))}.")}


def later():
    """What needs that something went before it, or another configuration."""
    if "pillarbox" in HAVE:
        again = Case("an address that was refused for good", "nobody@pillarbox")
        submit([again])
        check("an address that was refused for good is refused at once", again.refused and again.refused[again.to[0]][0] >= 500, again.refused)
        ctl("suppression", "remove", again.to[0])
        again.refused = {}
        submit([again])
        check("until a person says that it is right again", not again.refused, again.refused)
    with open(os.environ["SENDING"]) as f:
        text = f.read()
    with open(os.environ["SENDING"], "w") as f:
        f.write(text.replace("allow_private = yes", "allow_private = no"))
    os.kill(int(os.environ["SUITE_PID"]), signal.SIGHUP)
    time.sleep(1)
    private = Case("private addresses, after a reload", "private@plain literal@[127.0.13.10]", "failed failed", "5.4.4")
    submit([private])
    end = time.time() + 10
    while time.time() < end and len(reports_of(private, inbox())) < 1:
        time.sleep(0.3)
    time.sleep(1.5)
    private.ids = ids_of(private, trace())
    judge(private, queue(), trace(), inbox())


def main():
    cases = [c for c in CASES if c.peer.split("-")[0] in HAVE + ["local"] and os.environ.get("ONLY", "") in c.name]
    submit(cases)
    end = time.time() + TIMEOUT
    while True:
        time.sleep(0.5)
        events, rows, told = trace(), queue(), inbox()
        for c in cases:
            c.ids = ids_of(c, events)
        if time.time() > end or all(ready(c, rows, told) for c in cases):
            break
    # what must not come has had its time
    time.sleep(1.5)
    events, rows, told = trace(), queue(), inbox()
    good = True
    for c in cases:
        c.ids = ids_of(c, events)
        good = judge(c, rows, events, told) and good
    strange = [t.subject for t in told if not any(t in reports_of(c, told) for c in cases)]
    check("nothing else is in the INBOX", not strange, strange)
    # what waits is given up by a person: all of it goes, and each sender is told
    waiting = [c for c in cases if "waiting" in c.want and not c.rcpt]
    ctl("queue", "drop", "--all", "--report")
    end = time.time() + TIMEOUT
    def given_up():
        told = inbox()
        return [c.name for c in waiting if not any(r["action"].split()[0] == "failed" for t in reports_of(c, told) for r in t.rcpts)]
    while time.time() < end and (queue() or given_up()):
        time.sleep(0.3)
    check("what is given up leaves the queue", not queue(), queue())
    check("and its senders are told", not given_up(), given_up())
    if not os.environ.get("ONLY"):
        later()
    wrong = [(t.subject, t.wrong) for t in inbox() if t.is_report and t.wrong]
    check("every report is one", not wrong, wrong)
    result()


main()
