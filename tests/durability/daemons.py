"""The daemons of a suite, started one by one, killed with -9 and started again."""
import os
import signal
import socket
import subprocess
import threading
import time

READY_MAX_S = 30
GREETINGS = {"smtpd": (25, 587, 24), "imapd": (143,), "pop3d": (110,)}  # ports without their offset


class Daemon:
    def __init__(self, suite, name):
        self.suite, self.name, self.process = suite, name, None

    def start(self):
        with open(self.suite.log, "ab") as log:
            self.process = subprocess.Popen([f"{self.suite.build}/{self.name}/{self.name}", "-c", self.suite.conf], stderr=log, stdin=subprocess.DEVNULL)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def greets(self, port):
        try:
            with socket.create_connection(("127.0.0.1", port + self.suite.offset), timeout=READY_MAX_S) as s:
                return s.recv(1) in (b"2", b"*", b"+")
        except OSError:
            return False

    def wait_ready(self):
        end = time.monotonic() + READY_MAX_S
        for port in GREETINGS[self.name]:
            while not self.greets(port):
                if self.process.poll() is not None:
                    raise RuntimeError(f"{self.name} ended by itself with {self.process.returncode}")
                if time.monotonic() > end:
                    raise RuntimeError(f"{self.name} does not answer on port {port}")
                time.sleep(0.002)


class Suite:
    """`build`: the build tree; `directory` has pillarbox.conf; daemons do not run yet."""

    def __init__(self, build, directory, offset, password):
        self.build, self.directory, self.offset, self.password = build, directory, offset, password
        self.conf, self.log = f"{directory}/pillarbox.conf", f"{directory}/log"
        self.daemons = [Daemon(self, n) for n in GREETINGS]

    def port(self, n):
        return n + self.offset

    def command(self, *words):
        """(status, output) of the pillarbox command"""
        p = subprocess.run([f"{self.build}/ctl/pillarbox", "-c", self.conf, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return p.returncode, p.stdout

    def start(self):
        for d in self.daemons:
            d.start()
        for d in self.daemons:
            d.wait_ready()

    def stop(self):
        for d in self.daemons:
            d.stop()


class Killer(threading.Thread):
    """Kills one daemon, or all, and starts it again, at random moments; one in ten is killed once more while it starts."""

    def __init__(self, suite, random, wrongs, mean_s, ready_limit_s):
        super().__init__()
        self.suite, self.random, self.wrongs, self.mean_s, self.ready_limit_s = suite, random, wrongs, mean_s, ready_limit_s
        self.over, self.kills, self.ready = threading.Event(), 0, []
        self.kills_of = dict.fromkeys(GREETINGS, 0)
        self.broken = None

    def kill(self, victims):
        began = time.monotonic()
        for d in victims:
            os.kill(d.process.pid, signal.SIGKILL)
        for d in victims:
            d.process.wait()
            self.kills_of[d.name] += 1
            d.start()
        self.kills += 1
        return began

    def once(self):
        victims = self.random.choices(self.suite.daemons, [4, 3, 2])
        if self.random.random() < 0.25:
            victims = self.suite.daemons
        began = self.kill(victims)
        if self.random.random() < 0.1:
            time.sleep(self.random.random() * 0.03)
            began = self.kill(victims)
        for d in victims:
            d.wait_ready()
        took = time.monotonic() - began
        self.ready.append(took)
        if took > self.ready_limit_s:
            self.wrongs.add("ready", victims[0].name, f"served again after {took:.2f} s")

    def run(self):
        try:
            while not self.over.wait(self.random.expovariate(1 / self.mean_s)):
                self.once()
        except RuntimeError as e:
            self.broken = e
