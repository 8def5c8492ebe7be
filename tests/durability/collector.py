"""Mailboxes that are only delivered to: what came is read as it comes, and nothing may ever go."""
import re
import threading
import time

import model
from ledger import body_of, judge
from quick_imap import Imap, Refused

CHUNK = 500


def subject_of(head):
    subject = re.search(rb"(?:^|\n)Subject: (.*?)\r\n", head)
    return subject[1].decode() if subject else ""


class Box:
    """INBOX of an account, whose mail is for `address`."""

    def __init__(self, account, address):
        self.account, self.address = account, address
        self.validity, self.next, self.modseq = None, 1, 0
        self.uids, self.came = {}, {}  # UID: Subject; number: how often


class Collector(threading.Thread):
    def __init__(self, suite, boxes, wrongs, ledger, over, pause_s):
        super().__init__()
        self.suite, self.boxes, self.wrongs, self.ledger, self.over, self.pause_s = suite, boxes, wrongs, ledger, over, pause_s
        self.looks = 0
        self.broken = None

    def open(self, box):
        imap = Imap(self.suite.port(143), box.account, self.suite.password)
        about = imap.select("INBOX", "EXAMINE")
        if box.validity not in (None, about["UIDVALIDITY"]):
            self.wrongs.add("uid", box.account, f"UIDVALIDITY {about['UIDVALIDITY']}, was {box.validity}")
        if about["UIDNEXT"] < box.next or about["HIGHESTMODSEQ"] < box.modseq:
            self.wrongs.add("uid", box.account, f"{about}, was UIDNEXT {box.next} HIGHESTMODSEQ {box.modseq}")
        box.validity, box.modseq = about["UIDVALIDITY"], about["HIGHESTMODSEQ"]
        return imap, about

    def look(self, box):
        """What is new; all that was there still is."""
        known = self.ledger.known(box.address)
        imap, about = self.open(box)
        try:
            new = imap.fetch(f"{box.next}:*", "UID BODY.PEEK[HEADER.FIELDS (SUBJECT)]") if about["EXISTS"] else {}
            for uid, (_, literals) in sorted(new.items()):
                self.came(box, uid, literals[0])
            there = imap.status("INBOX")["MESSAGES"]
            if there < len(box.uids):
                self.wrongs.add("lost", box.account, f"{len(box.uids)} messages were there, now {there}")
        finally:
            imap.close()
        self.looks += 1
        judge(self.wrongs, box.account, known, box.came, False)

    def came(self, box, uid, head):
        box.uids[uid] = subject_of(head)
        box.next = max(box.next, uid + 1)
        if m := model.ARRIVED.match(box.uids[uid]):
            box.came[int(m[1])] = box.came.get(int(m[1]), 0) + 1

    def run(self):
        try:
            while not self.over.is_set():
                for box in self.boxes:
                    try:
                        self.look(box)
                    except (OSError, EOFError):
                        time.sleep(0.02)
                    except Refused as e:
                        self.wrongs.add("refused", box.account, str(e))
                self.over.wait(self.pause_s)
        except Exception as e:
            self.broken = e
            raise

    # -- when all is still ------------------------------------------------------------------------

    def read_all(self, box):
        """Every octet of every message, from the beginning; against what was seen while it came."""
        known = self.ledger.known(box.address)
        imap, about = self.open(box)
        seen, size = {}, 0
        try:
            for first in range(1, about["UIDNEXT"], CHUNK):
                for uid, (text, (head, body)) in imap.fetch(f"{first}:{first + CHUNK - 1}", "UID FLAGS RFC822.SIZE BODY.PEEK[HEADER] BODY.PEEK[TEXT]").items():
                    seen[uid] = self.check_octets(box, uid, text, head, body)
                    size += len(head) + len(body)
                    if uid not in box.uids:
                        self.came(box, uid, head)
            told, quota = imap.status("INBOX"), imap.quota()
        finally:
            imap.close()
        for uid, subject in box.uids.items():
            if seen.get(uid) != subject:
                self.wrongs.add("lost", box.account, f"UID {uid} was {subject}, is {seen.get(uid)}")
        self.recount(box, told, quota, len(seen), size)
        judge(self.wrongs, box.account, known, box.came, True)

    def check_octets(self, box, uid, text, head, body):
        subject = subject_of(head)
        m = model.ARRIVED.match(subject)
        if m and body != body_of(int(m[1])):
            self.wrongs.add("content", box.account, f"UID {uid}, {subject}: {len(body)} octets")
        if int(re.search(rb"RFC822.SIZE (\d+)", text)[1]) != len(head) + len(body):
            self.wrongs.add("content", box.account, f"UID {uid}, {subject}: RFC822.SIZE is not its size")
        return subject

    def recount(self, box, told, quota, messages, size):
        for item, n in (("MESSAGES", messages), ("UNSEEN", messages), ("DELETED", 0), ("SIZE", size)):
            if told[item] != n:
                self.wrongs.add("counters", box.account, f"STATUS has {item} {told[item]}, counted {n}")
        if told["UIDNEXT"] < box.next:
            self.wrongs.add("counters", box.account, f"STATUS has UIDNEXT {told['UIDNEXT']}, was {box.next}")
        if quota.get("MESSAGE", messages) != messages or not size // 1024 <= quota["STORAGE"] <= size // 1024 + 1:
            self.wrongs.add("quota", box.account, f"{quota}, counted {messages} messages, {size} octets")


def count_numbers(suite, account, section, pattern):
    """{number: how often} of the messages of INBOX, by the number that `pattern` finds in `section`."""
    found = {}
    imap = Imap(suite.port(143), account, suite.password)
    try:
        if imap.select("INBOX", "EXAMINE")["EXISTS"]:
            for _, literals in imap.fetch("1:*", f"UID BODY.PEEK[{section}]").values():
                number = int(re.search(pattern, literals[0])[1])
                found[number] = found.get(number, 0) + 1
    finally:
        imap.close()
    return found


def read_reports(suite, account):
    """Of reports, by the ENVID they carry."""
    return count_numbers(suite, account, "TEXT", rb"Original-Envelope-Id: *k(\d+)")


def read_numbers(suite, account):
    """Of submitted messages, by Subject."""
    return count_numbers(suite, account, "HEADER.FIELDS (SUBJECT)", rb"\ASubject: k(\d+)")
