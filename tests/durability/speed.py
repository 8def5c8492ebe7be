"""The load generators of tests/bench, again and again while their server is killed: each works as fast as it is answered, and begins anew when its connections break."""
import collections
import json
import re
import subprocess
import threading

BROKEN = re.compile(r"closed the connection|recv: |send: |Connection refused|no answer|TLS handshake")  # what a kill explains


class Again(threading.Thread):
    def __init__(self, name, words, count, wrongs, over):
        """`count`: which figure of the program's report says how much was done."""
        super().__init__()
        self.name, self.words, self.count, self.wrongs, self.over = name, words, count, wrongs, over
        self.done = collections.Counter()
        self.process, self.rounds = None, 0

    def run(self):
        while not self.over.is_set():
            self.rounds += 1
            self.process = subprocess.Popen([w.format(round=self.rounds) for w in self.words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            out, complaint = self.process.communicate()
            if self.process.returncode == 0:
                report = json.loads(out)
                self.done["work"] += report[self.count]
                self.done["seconds"] += report["seconds"]
            elif self.process.returncode > 0 and not BROKEN.search(complaint):
                self.wrongs.add("refused", self.name, complaint.strip()[:300])
            if self.process.returncode:
                self.over.wait(0.05)

    def rate(self):
        return self.done["work"] / self.done["seconds"] if self.done["seconds"] else 0


class Speed:
    """Reading, opening and relaying at once; `reader` has mail, `sender` may send."""

    def __init__(self, suite, reader, sender, wrongs):
        self.suite, self.reader, self.sender, self.wrongs = suite, reader, sender, wrongs
        self.over, self.threads = threading.Event(), []
        self.done = collections.Counter()  # of those that have ended

    def program(self, name, port, user, *words):
        return [f"{self.suite.build}/tests/bench/{name}", "--port", str(self.suite.port(port)), "--user", user, "--password", self.suite.password, *words]

    def fill(self, count):
        """Mail for the reader."""
        subprocess.run([f"{self.suite.build}/tests/bench/smtp_load", "--port", str(self.suite.port(25)), "--to", self.reader, "--count", str(count), "--made", "3000"], check=True, stdout=subprocess.DEVNULL)

    def start(self):
        self.over.clear()
        fetch = self.program("imap_load", 143, self.reader, "--mailbox", "INBOX", "--sessions", "2", "--count", "10", "FETCH 1:* (UID FLAGS ENVELOPE BODY.PEEK[HEADER])", "FETCH 1:50 (BODY.PEEK[])")
        search = self.program("imap_load", 143, self.reader, "--mailbox", "INBOX", "--count", "20", "SEARCH TEXT zebrafish", "SORT (DATE) UTF-8 ALL")
        relay = self.program("smtp_load", 587, self.sender, "--to", "r%d@relay.test", "--sessions", "2", "--count", "100", "--made", "4000")
        self.threads = [Again("messages fetched", fetch, "rows", self.wrongs, self.over), Again("messages found", search, "rows", self.wrongs, self.over),
                        Again("mailboxes opened by POP3", self.program("pop3_load", 110, self.reader, "--count", "20"), "commands", self.wrongs, self.over), Again("messages to relay", relay, "commands", self.wrongs, self.over)]
        for t in self.threads:
            t.start()

    def stop(self):
        """Lets each end its round, so that what it did is known."""
        self.over.set()
        for t in self.threads:
            t.join()
            self.done[t.name] += t.done["work"]
        self.threads = []

    def terminate(self):
        self.over.set()
        for t in self.threads:
            if t.process:
                t.process.kill()
            t.join()

    def so_far(self):
        return self.done + collections.Counter({t.name: t.done["work"] for t in self.threads})
