"""The two sides of the benchmark: what a workload needs to know of one, and the suite from the build tree.

Both have the accounts u1 to u12 and, when a workload asks for them, r1 to r100, all in the domain
example.test, on loopback, with their data below one directory.
"""
import glob
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

import processes

DOMAIN = "example.test"
HOST = "127.0.0.1"
FAN_OUT = 100
SINK_DOMAIN = "sink.test"  # mail for it goes to port 26 on loopback


def run(command, **how):
    """Runs a command; its output is shown if it fails. A file takes the output: a daemon that the command
    leaves behind would keep a pipe open for ever."""
    with tempfile.TemporaryFile(mode="w+") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, text=True, **how)
        if done.returncode != 0:
            output.seek(0)
            raise RuntimeError(f"{' '.join(map(str, command))}: status {done.returncode}\n{output.read()[-2000:]}")


class Server:
    password = "pw"
    hibernate = False  # idle connections are handed to one process, where there are several

    def __init__(self, name, directory, offset):
        self.name = name
        self.directory = directory
        self.offset = offset
        self.set = []  # what was set, for the report
        self.start_seconds = 0  # of the last start, until all is ready
        self.ready = set()  # fixtures made on this side

    def port(self, standard):
        return standard + self.offset

    def user(self, name):
        return f"{name}@{DOMAIN}"

    def roots(self):
        """The processes that started all others of this side."""
        raise NotImplementedError

    def processes(self):
        return processes.descendants(self.roots())

    def daemons(self, name):
        return [pid for pid in self.processes() if processes.name_of(pid) == name]

    def disk_octets(self):
        raise NotImplementedError

    def start(self):
        raise NotImplementedError

    def stop(self):
        raise NotImplementedError

    def end(self):
        """At the end of the benchmark."""
        self.stop()

    def set_hibernate(self, on):
        """Starts anew if need be."""

    def index_search(self, on):
        """The suite's search index is kept or not; starts anew if need be."""

    def wait_for_index(self, b, user, mailbox):
        """Until what the side derives from the user's messages by itself is there."""

    def restart(self):
        self.stop()
        self.start()

    @staticmethod
    def wait_for_port(port):
        for _ in range(3000):
            try:
                socket.create_connection((HOST, port)).close()
                return
            except OSError:
                time.sleep(0.005)
        raise RuntimeError(f"nobody answers on port {port}")


class Pillarbox(Server):
    password = "bench-pw-1"
    # What one client address may do is limited by default; here the whole load comes from one.
    SETTINGS = {"max_connections_per_address": "100000", "max_mails": "1000000", "per_hour": "0", "per_day": "0",
                "new_per_day": "0"}
    TRANSPORT = """
transport "{domain}" {{
  host = "{host}"
  port = {port}
  tls = "none"
}}
"""
    indexes = True
    UNINDEXED = 64  # so few messages may have no index (search/indexer.h)

    def __init__(self, directory, build, offset, fan_out):
        super().__init__("pillarbox", directory, offset)
        self.conf = os.path.join(directory, "pillarbox.conf")
        self.program = os.path.join(build, "ctl", "pillarbox")
        os.makedirs(directory)
        run([self.program, "init", "--dir", directory, "--domain", DOMAIN, "--listen", HOST,
             "--port-offset", str(offset)])
        self.configure(self.SETTINGS)
        with open(self.conf, "a", encoding="utf-8") as f:
            f.write(self.TRANSPORT.format(domain=SINK_DOMAIN, host=HOST, port=self.port(26)))
        self.set = [f"Pillarbox {name}={value}" for name, value in self.SETTINGS.items()]
        for name in [f"u{i}" for i in range(1, 13)] + [f"r{i}" for i in range(1, fan_out + 1)]:
            self.add_account(name)
        self.start()

    def add_account(self, name):
        run([self.program, "-c", self.conf, "account", "add", self.user(name), "--password-stdin"],
            input=self.password + "\n")

    def configure(self, settings):
        with open(self.conf, encoding="utf-8") as f:
            lines = f.readlines()
        left = dict(settings)
        for i, line in enumerate(lines):
            name = line.strip().lstrip("#").split("=")[0].strip()
            if "=" in line and name in left:
                lines[i] = f"{name} = {left.pop(name)}\n"
        if left:
            raise RuntimeError(f"no option {', '.join(left)} in {self.conf}")
        with open(self.conf, "w", encoding="utf-8") as f:
            f.writelines(lines)

    def index_search(self, on):
        if self.indexes != on:
            self.stop()
            self.indexes = on
            self.configure({"search_index": "yes" if on else "no"})
            self.start()

    def wait_for_index(self, b, user, mailbox):
        """It is made, at the lowest priority, while somebody has a mailbox selected."""
        folder = os.path.join(self.directory, "data")
        account = self.ask(os.path.join(folder, "directory.db"), "SELECT id FROM account WHERE local = ?", user)
        folder = os.path.join(folder, "accounts", str(account))
        with b.watcher(self, user, mailbox):
            for _ in range(900):
                last = self.ask(os.path.join(folder, "mail.db"), "SELECT ifnull(max(id), 0) FROM message")
                files = glob.glob(os.path.join(folder, "index", "*"))  # <first>-<last>.seg; .tmp: being made
                done = [int(f.rsplit("-", 1)[1].split(".")[0]) for f in files if f.endswith(".seg")]
                if not any(f.endswith(".tmp") for f in files) and max(done, default=0) > last - self.UNINDEXED:
                    return
                time.sleep(0.2)
        print(f"the search index of {user} was not made within three minutes", file=sys.stderr)

    @staticmethod
    def ask(path, question, *values):
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return db.execute(question, values).fetchone()[0]
        finally:
            db.close()

    def start(self):
        began = time.monotonic()
        self.log = open(os.path.join(self.directory, "bench.log"), "ab")
        self.process = subprocess.Popen([self.program, "-c", self.conf, "run"], stdout=subprocess.PIPE,
                                        stderr=self.log, text=True)
        for line in self.process.stdout:
            if line == "ready\n":
                self.start_seconds = time.monotonic() - began
                return
        raise RuntimeError(f"the suite did not start: see {self.directory}/bench.log")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.log.close()

    def roots(self):
        return [self.process.pid]

    def disk_octets(self):
        return processes.disk_octets(os.path.join(self.directory, "data"))
