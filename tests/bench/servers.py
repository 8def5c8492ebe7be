"""The two sides of the benchmark: the suite from the build tree, and its peers.

Both have the accounts u1 to u12 and, when a workload asks for them, r1 to r100, all in the domain
example.test, on loopback, with their data below one directory.
"""
import os
import signal
import subprocess
import tempfile
import time

DOMAIN = "example.test"
HOST = "127.0.0.1"
FAN_OUT = 100


def run(command, **how):
    """Runs a command; its output is shown if it fails. A file takes the output: a daemon that the command
    leaves behind would keep a pipe open for ever."""
    with tempfile.TemporaryFile(mode="w+") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, text=True, **how)
        if done.returncode != 0:
            output.seek(0)
            raise RuntimeError(f"{' '.join(map(str, command))}: status {done.returncode}\n{output.read()[-2000:]}")


class Server:
    """What a workload needs to know of a side."""

    password = "pw"

    def __init__(self, name, offset):
        self.name = name
        self.offset = offset
        self.ready = set()  # fixtures made on this side
        self.appended = {}

    def port(self, standard):
        return standard + self.offset

    def user(self, name):
        return f"{name}@{DOMAIN}"


class Pillarbox(Server):
    password = "bench-pw-1"
    # What one client address may do is limited by default; here the whole load comes from one.
    SETTINGS = {"max_connections_per_address": "10000", "max_mails": "1000000"}

    def __init__(self, directory, build, offset, fan_out):
        super().__init__("pillarbox", offset)
        self.directory = directory
        self.conf = os.path.join(directory, "pillarbox.conf")
        self.program = os.path.join(build, "ctl", "pillarbox")
        os.makedirs(directory)
        run([self.program, "init", "--dir", directory, "--domain", DOMAIN, "--listen", HOST,
             "--port-offset", str(offset)])
        self.configure()
        for name in [f"u{i}" for i in range(1, 13)] + [f"r{i}" for i in range(1, fan_out + 1)]:
            run([self.program, "-c", self.conf, "account", "add", self.user(name), "--password-stdin"],
                input=self.password + "\n")
        self.start()

    def configure(self):
        with open(self.conf, encoding="utf-8") as f:
            lines = f.readlines()
        left = dict(self.SETTINGS)
        for i, line in enumerate(lines):
            name = line.strip().lstrip("#").split("=")[0].strip()
            if "=" in line and name in left:
                lines[i] = f"{name} = {left.pop(name)}\n"
        if left:
            raise RuntimeError(f"no option {', '.join(left)} in {self.conf}")
        with open(self.conf, "w", encoding="utf-8") as f:
            f.writelines(lines)

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


class Peers(Server):
    """What $PEERS_START starts: `$PEERS_START DIR OFFSET` must return when SMTP, IMAP and POP3 answer
    on 25, 143 and 110 plus OFFSET, with accounts u1 to u20 and password "pw"; `stop.sh DIR` beside it,
    or $PEERS_STOP, ends them."""

    def __init__(self, directory, start, offset, fan_out):
        super().__init__("peers", offset)
        self.directory = directory
        self.stop_script = os.environ.get("PEERS_STOP") or os.path.join(os.path.dirname(start), "stop.sh")
        run([start, directory, str(offset)])
        self.tuned = []
        try:
            self.tune(fan_out)
        except Exception:
            self.stop()
            raise

    def tune(self, fan_out):
        """Raises the defaults that would make the peers unfairly slow, and adds the accounts."""
        postfix = os.path.join(self.directory, "postfix", "etc")
        if not os.path.isdir(postfix):
            return
        if fan_out:
            rows = [(os.path.join(self.directory, "dovecot", "users"), "{a}:{{PLAIN}}pw::::::\n"),
                    (os.path.join(self.directory, "dovecot", "users.short"), "{n}:{{PLAIN}}pw::::::\n"),
                    (os.path.join(postfix, "vmailbox"), "{a} {n}\n")]
            for path, row in rows:
                with open(path, "a", encoding="utf-8") as f:
                    f.writelines(row.format(a=self.user(f"r{i}"), n=f"r{i}") for i in range(1, fan_out + 1))
        # cleanup(8) would wait a second whenever mail comes in faster than it is delivered
        run(["postconf", "-c", postfix, "-e", "in_flow_delay=0"])
        self.tuned.append("Postfix in_flow_delay=0")
        run(["postfix", "-c", postfix, "reload"])
        time.sleep(1)

    def stop(self):
        run([self.stop_script, self.directory])
