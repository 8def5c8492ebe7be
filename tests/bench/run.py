#!/usr/bin/env python3
"""make bench: the suite measured beside the servers it wants to beat.

Runs each workload on both sides in turn, A B A B, and prints the medians, their ratio and whether the
target is met. $PEERS_START names the script that starts the peers (peers.py says what it must do);
without it only the suite is measured. $PB_BUILD is the build directory.
"""
import argparse
import json
import os
import resource
import shutil
import signal
import socket
import statistics
import sys
import tempfile
import time

import growth
import machine
import report
import workloads
from peers import Peers
from servers import FAN_OUT, HOST, Pillarbox
from workloads.base import Bench

PORTS = (24, 25, 110, 143, 465, 587, 993, 995)


def options():
    p = argparse.ArgumentParser(prog="make bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--only", help="workloads whose name holds one of these words, with commas between")
    p.add_argument("--scale", type=float, default=1, help="factor for numbers of messages (1: 20,000 in the large mailbox)")
    p.add_argument("--rounds", type=int, default=3, help="how often each side is measured")
    p.add_argument("--quick", action="store_true", help="the same as --scale 0.05 --rounds 1")
    p.add_argument("--json", metavar="FILE", help="writes all figures there (-: standard output, without the table)")
    p.add_argument("--dir", default="/var/tmp", help="the file system for both sides' data")
    p.add_argument("--keep", action="store_true", help="does not remove the data and logs")
    p.add_argument("--list", action="store_true", help="names the workloads")
    p.add_argument("--growth", action="store_true",
                   help="instead: what ten times the messages, message size, connections and accounts cost")
    p.add_argument("--render", metavar="FILE", nargs="+", help="measures nothing: shows what such JSON files hold as text")
    p.add_argument("--into", metavar="PAGE", help="with --render: puts the text into this page, between its marks")
    o = p.parse_args()
    if o.quick:
        o.scale, o.rounds = 0.05, 1
    return o


def chosen(only):
    words = only.split(",") if only else [""]
    found = [w for w in workloads.WORKLOADS if any(word in w.key for word in words)]
    if not found:
        sys.exit(f"no workload has {only} in its name; --list shows them")
    return found


def free_offset(first):
    """From `first` on, an offset where nobody listens on the ports of a mail server."""
    for offset in range(first, 31000, 50):
        try:
            for port in PORTS:
                with socket.socket() as s:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    s.bind((HOST, offset + port))
            return offset
        except OSError:
            continue
    sys.exit("no ports are free")


def measure(bench, workload, servers, rounds):
    """The row of one workload."""
    row = {"key": workload.key, "text": workload.text, "unit": workload.unit, "target": workload.target_text(),
           "errors": []}
    values = {s.name: [] for s in servers}
    client = {s.name: [] for s in servers}
    answers, notes = {}, []
    began = time.monotonic()
    for _ in range(min(rounds, workload.rounds or rounds)):
        for server in servers:
            try:
                server.set_hibernate(workload.hibernate)
                result = workload.work(bench, server)
            except (RuntimeError, OSError, ValueError) as e:
                row["errors"].append(f"{server.name}: {e}")
                continue
            if result is None:
                continue
            values[server.name].append(result.value)
            client[server.name].append(result.client)
            answers.setdefault(result.rows, server.name)
            if result.note and result.note not in notes:
                notes.append(result.note)
    if len(answers) > 1:
        row["errors"].append(f"the sides answer differently: {answers}")
    row["seconds"] = round(time.monotonic() - began, 1)  # with its fixtures
    row["values"] = values
    row["median"] = {name: statistics.median(v) for name, v in values.items() if v}
    row["client"] = {name: max(v) for name, v in client.items() if v and None not in v}
    row["notes"] = notes
    ours, theirs = (row["median"].get(name) for name in ("pillarbox", "peers"))
    if ours is not None and theirs is not None:
        row["ratio"] = workload.better(ours, theirs)
    row["met"] = False if row["errors"] else workload.met(ours, row.get("ratio"))
    return row


def measure_growth(o, bench, servers, found, out):
    found["growth"], found["growth_notes"] = [], []
    print("\n".join(report.facts_text(found)) + "\n", file=out)
    print("\n".join(report.head(report.GROWTH_HEAD)), file=out, flush=True)
    for rows, notes in growth.measure(bench, servers, o.only):
        found["growth"] += rows
        found["growth_notes"] += notes
        for row in rows:
            print(report.growth_line(row), file=out, flush=True)
        for note in notes:
            print(f"  {note}", file=sys.stderr, flush=True)


def measure_all(o, bench, servers, found, out):
    print("\n".join(report.facts_text(found)) + "\n", file=out)
    print("\n".join(report.head(report.HEAD)), file=out)
    for workload in chosen(o.only):
        row = measure(bench, workload, servers, o.rounds)
        found["rows"].append(row)
        print(report.workload_line(row), file=out, flush=True)
        for text in [f"  ! {e}" for e in sorted(set(row["errors"]))] + [f"  {n}" for n in row["notes"]]:
            print(text, file=sys.stderr, flush=True)
    if bench.cipher:
        found["machine"]["tls"] = machine.tls_speed(bench.cipher)


def render(o):
    parts = []
    for name in o.render:
        with open(name, encoding="utf-8") as f:
            parts.append(report.document(json.load(f)))
    text = "\n".join(parts)
    if o.into:
        report.put_into(o.into, text)
    else:
        print(text, end="")


def write_json(to, found):
    text = json.dumps(found, indent=1)
    if to == "-":
        print(text)
    elif to:
        with open(to, "w", encoding="utf-8") as f:
            f.write(text + "\n")


def main():
    o = options()
    if o.render:
        render(o)
        return 0
    rows_wanted = [] if o.growth else chosen(o.only)
    if o.list:
        for w in rows_wanted:
            print(f"{w.key:20} {w.text}")
        return 0
    out = sys.stderr if o.json == "-" else sys.stdout
    build = os.environ.get("PB_BUILD") or os.getcwd()
    fan_out = FAN_OUT if any(w.key == "deliver-many" for w in rows_wanted) else 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # the servers are to end too
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))  # for all that is started here
    directory = tempfile.mkdtemp(prefix="pbbench.", dir=o.dir)
    os.chmod(directory, 0o755)
    servers = []
    began = time.monotonic()
    bench = Bench(build, o.scale, directory)
    found = {"machine": machine.facts(bench.tools, directory), "scale": o.scale, "rounds": o.rounds, "rows": []}
    try:
        servers.append(Pillarbox(os.path.join(directory, "a"), build, free_offset(24000), fan_out))
        start = os.environ.get("PEERS_START")
        if start:
            servers.append(Peers(os.path.join(directory, "b"), start, free_offset(26000), fan_out))
        else:
            print("THE PEERS ARE LEFT OUT: $PEERS_START names no script that starts them", file=out)
        found["machine"]["set"] = [text for s in servers for text in s.set]
        (measure_growth if o.growth else measure_all)(o, bench, servers, found, out)
    finally:
        for server in servers:
            server.end()
        found["seconds"] = round(time.monotonic() - began)
        print(f"{found['seconds']} s in all", file=out)
        write_json(o.json, found)
        if o.keep:
            print(f"kept: {directory}", file=out)
        else:
            shutil.rmtree(directory, ignore_errors=True)
    failed = any(row["errors"] for row in found["rows"]) or any("ERROR" in n for n in found.get("growth_notes", []))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
