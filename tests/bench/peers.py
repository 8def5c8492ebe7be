"""Postfix and Dovecot, or whatever $PEERS_START starts.

`$PEERS_START DIR OFFSET` must return when SMTP, IMAP and POP3 answer on 25, 143 and 110 plus OFFSET (993 for TLS),
with accounts u1 to u20 and password "pw"; `stop.sh DIR` beside it, or $PEERS_STOP, ends them. Where DIR holds the
configuration of a Postfix and a Dovecot, the defaults that would make them unfairly slow are raised.
"""
import os
import resource
import signal
import socket
import time

import processes
from servers import FAN_OUT, HOST, Server, run

INSTANCES = "/proc/sys/fs/inotify/max_user_instances"

# A process for each connection, each with a connection to anvil, auth and stats.
DOVECOT = """
service imap {{
  process_limit = 11000
  idle_kill = {idle_kill}
}}
service anvil {{
  client_limit = {clients}
}}
service auth {{
  client_limit = {clients}
}}
service stats {{
  client_limit = {clients}
}}
"""

HIBERNATE = """
imap_hibernate_timeout = 1s
service imap {{
  unix_listener imap-master {{
    user = dovecot
  }}
}}
service imap-hibernate {{
  client_limit = {clients}
  unix_listener imap-hibernate {{
    mode = 0666
  }}
}}
"""


class Peers(Server):
    def __init__(self, directory, start, offset, fan_out):
        super().__init__("peers", directory, offset)
        self.start_script = start
        self.stop_script = os.environ.get("PEERS_STOP") or os.path.join(os.path.dirname(start), "stop.sh")
        self.fan_out = fan_out
        self.instances = None  # the kernel's setting before ours
        self.postfix = os.path.join(directory, "postfix", "etc")
        self.dovecot = os.path.join(directory, "dovecot", "dovecot.conf")
        self.known = False  # a Postfix and a Dovecot that can be tuned
        run([start, directory, str(offset)])
        try:
            self.known = os.path.isdir(self.postfix) and os.path.exists(self.dovecot)
            if self.known:
                self.tune()
                self.restart()
        except Exception:
            self.end()
            raise

    def tune(self):
        """Raises the defaults that would make the peers unfairly slow, and adds the accounts."""
        users = os.path.join(self.directory, "dovecot", "users")
        rows = [(users, "{a}:{{PLAIN}}pw::::::\n"), (users + ".short", "{n}:{{PLAIN}}pw::::::\n"),
                (os.path.join(self.postfix, "vmailbox"), "{a} {n}\n")]
        for path, row in rows:
            with open(path, "a", encoding="utf-8") as f:
                f.writelines(row.format(a=self.user(f"r{i}"), n=f"r{i}") for i in range(1, self.fan_out + 1))
        # cleanup(8) would wait a second whenever mail comes in faster than it is delivered
        run(["postconf", "-c", self.postfix, "-e", "in_flow_delay=0"])
        self.set = ["Postfix in_flow_delay=0"]
        with open(self.dovecot, encoding="utf-8") as f:
            self.dovecot_text = f.read()
        self.configure_dovecot()
        self.raise_inotify()

    def configure_dovecot(self):
        # a process takes several descriptors for each client
        clients = min(20000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 100)
        text = DOVECOT + HIBERNATE if self.hibernate else DOVECOT
        # processes whose connections hibernate go soon, else they wait for the next connection
        text = text.format(clients=clients, idle_kill="1s" if self.hibernate else "60s")
        with open(self.dovecot, "w", encoding="utf-8") as f:
            f.write(self.dovecot_text + text)
        told = (f"Dovecot process_limit=11000 for imap and client_limit={clients} for anvil, auth, stats; where it "
                "hibernates, imap_hibernate_timeout=1s, idle_kill=1s")
        if told not in self.set:
            self.set.append(told)

    def set_hibernate(self, on):
        if self.known and self.hibernate != on:
            self.stop()
            self.hibernate = on
            self.configure_dovecot()
            self.start()

    def raise_inotify(self):
        """Dovecot polls, every half minute, where a process finds no inotify instance left."""
        try:
            with open(INSTANCES, "r+", encoding="utf-8") as f:
                now = int(f.read())
                if now < 20000:
                    f.seek(0)
                    f.write("20000")
                    f.flush()
                    self.instances = now
            self.set.append("fs.inotify.max_user_instances=20000")
        except OSError:
            self.set.append("fs.inotify.max_user_instances could not be raised")

    def start(self):
        began = time.monotonic()
        if not self.known:
            run([self.start_script, self.directory, str(self.offset)])
        else:
            run(["dovecot", "-c", self.dovecot])
            run(["postfix", "-c", self.postfix, "start"])
            for port in (25, 143, 110, 993, 24):
                self.wait_for(self.port(port))
        self.start_seconds = time.monotonic() - began

    def wait_for(self, port):
        for _ in range(3000):
            try:
                socket.create_connection((HOST, port)).close()
                return
            except OSError:
                time.sleep(0.005)
        raise RuntimeError(f"the peers do not answer on port {port}")

    def stop(self):
        if not self.known:
            run([self.stop_script, self.directory])
            return
        # as the script does, but without waiting for whole seconds
        masters = self.roots()
        for pid in masters:
            os.kill(pid, signal.SIGTERM)
        for _ in range(6000):
            if not any(os.path.exists(f"/proc/{pid}") for pid in masters):
                return
            time.sleep(0.005)
        raise RuntimeError("the peers did not stop")

    def end(self):
        run([self.stop_script, self.directory])
        if self.instances:
            with open(INSTANCES, "w", encoding="utf-8") as f:
                f.write(str(self.instances))

    def roots(self):
        if not self.known:
            return []
        found = []
        for path in ("dovecot/run/master.pid", "postfix/spool/pid/master.pid"):
            with open(os.path.join(self.directory, path), encoding="utf-8") as f:
                found.append(int(f.read()))
        return found

    def disk_octets(self):
        # whatever there is but logs: mail, indexes, queue
        return processes.disk_octets(self.directory, without={"log"})
