"""Sessions and the queue while the clock is set: usage: live.py HOST OFFSET USER PASSWORD CLOCK-FILE. A line for each thing that holds: `ok ...`."""
import imaplib, re, smtplib, sys, time

HOST, OFFSET, USER, PASSWORD, CLOCK = sys.argv[1], int(sys.argv[2]), *sys.argv[3:]
DAY = 86400
JUMPS = [-DAY, 3 * DAY, -3650 * DAY, 0, 3600, -7, 0]


def set_clock(seconds):
    with open(CLOCK, "r+b") as f:
        f.write(b"%+012d 000 " % seconds)


def tell(holds, what):
    print(("ok " if holds else "") + what, flush=True)


def numbers(imap, mailbox):
    reply = imap.status(mailbox, "(UIDNEXT UIDVALIDITY HIGHESTMODSEQ MESSAGES)")[1][0].decode()
    return {k: int(v) for k, v in re.findall(r"([A-Z]+) (\d+)", reply)}


def main():
    imap = imaplib.IMAP4(HOST, OFFSET + 143)
    imap.login(USER, PASSWORD)
    imap.select("INBOX")
    smtp = smtplib.SMTP(HOST, OFFSET + 25, "c.test")
    smtp.ehlo()
    seen, rising, prompt, valid, ids, answered = [], True, True, [], set(), True
    before = numbers(imap, "INBOX")
    for i, jump in enumerate(JUMPS):
        set_clock(jump)
        began = time.monotonic()
        code, text = smtp.mail("x@elsewhere.test")
        smtp.rcpt(USER)
        code, text = smtp.data("Subject: %d\r\n\r\nx\r\n" % i)
        answered &= code == 250
        ids.add(text)
        answered &= imap.append("INBOX", None, None, b"Subject: a%d\r\n\r\nx\r\n" % i)[0] == "OK"
        # for the queue, which nobody takes it from
        mail = smtplib.SMTP(HOST, OFFSET + 587, "c.test")
        mail.login(USER, PASSWORD)
        mail.sendmail(USER, ["x@away.test"], "Subject: q%d\r\n\r\nx\r\n" % i)
        mail.quit()
        imap.create("box%d" % i)
        imap.store("1", "+FLAGS", "(word%d)" % i)
        now = numbers(imap, "INBOX")
        rising &= now["UIDNEXT"] >= before["UIDNEXT"] + 2 and now["HIGHESTMODSEQ"] > before["HIGHESTMODSEQ"]
        rising &= now["UIDVALIDITY"] == before["UIDVALIDITY"]
        valid.append(numbers(imap, "box%d" % i)["UIDVALIDITY"])
        before = now
        with smtplib.SMTP(HOST, OFFSET + 25, "c.test") as other:
            answered &= other.ehlo()[0] == 250
        fresh = imaplib.IMAP4(HOST, OFFSET + 143)
        answered &= fresh.login(USER, PASSWORD)[0] == "OK"
        fresh.logout()
        prompt &= time.monotonic() - began < 5
        seen.append(jump)
    tell(answered, "clock: old and new sessions are answered")
    tell(prompt, "clock: and nobody waits")
    tell(rising, "clock: UIDs and MODSEQ only rise, UIDVALIDITY stays")
    tell(valid == sorted(set(valid)), "clock: UIDVALIDITY of new mailboxes only rises")
    tell(len(ids) == len(JUMPS), "clock: ids are unique")
    set_clock(0)


main()
