"""Mail out: submitted, through the durable queue, until smtp-sink has taken the last message."""
import os
import shutil
import subprocess
import time

from servers import HOST, SINK_DOMAIN

from .base import Result, Workload


def sink_of(server, count):
    program = shutil.which("smtp-sink") or "/usr/sbin/smtp-sink"
    return subprocess.Popen([program, "-u", "nobody", "-M", str(count), f"{HOST}:{server.port(26)}", "1000"])


def relay(b, server):
    count = b.size(4000, 200)
    sink = sink_of(server, count)
    try:
        server.wait_for_port(server.port(26))
        used = sum(os.times()[:4])
        began = time.monotonic()
        load = b.command("smtp_load", server, 587, "u11", "--to", f"x@{SINK_DOMAIN}", "--made", 4000, "--count", count,
                         "--sessions", 16)
        b.load(load)
        sent = time.monotonic() - began
        sender = sum(os.times()[:4]) - used
        if sink.wait(timeout=600):
            raise RuntimeError("smtp-sink failed")
        return Result(count / (time.monotonic() - began), sender / sent, count)
    finally:
        if sink.poll() is None:
            sink.kill()
        sink.wait()


WORKLOADS = [Workload("relay", "submit 4 KB, 16 sessions, until another server has it", "msg/s", 5, relay)]
