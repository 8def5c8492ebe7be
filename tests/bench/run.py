#!/usr/bin/env python3
"""make bench: the suite measured beside the servers it wants to beat.

Runs each workload on both sides in turn, A B A B, and prints the medians, their ratio and whether the
target is met. $PEERS_START names the script that starts the peers (servers.py says what it must do);
without it only the suite is measured. $PB_BUILD is the build directory.
"""
import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time

import workloads
from servers import FAN_OUT, Peers, Pillarbox

OFFSET = 24000
PEERS_OFFSET = 26000


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


def syncs_per_second(directory):
    """What the disk can do at most for mail that is synced one by one: 4 KB appended and synced."""
    with tempfile.NamedTemporaryFile(dir=directory) as f:
        count, began = 0, time.monotonic()
        while time.monotonic() - began < 1:
            os.write(f.fileno(), b"x" * 4096)
            os.fdatasync(f.fileno())
            count += 1
        return count / (time.monotonic() - began)


def machine(directory):
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        cpu = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), platform.machine())
    return {"cpu": cpu, "cores": os.cpu_count(), "kernel": platform.release(),
            "date": time.strftime("%Y-%m-%d %H:%M %z"), "load": os.getloadavg()[0],
            "syncs_per_second": round(syncs_per_second(directory))}


def measure(bench, workload, servers, rounds):
    """The row of one workload."""
    row = {"key": workload.key, "text": workload.text, "unit": workload.unit, "target": workload.target, "errors": []}
    values = {s.name: [] for s in servers}
    client = {s.name: [] for s in servers}
    answers = {}
    for _ in range(rounds):
        for server in servers:
            try:
                result = workload.work(bench, server)
            except (RuntimeError, OSError) as e:
                row["errors"].append(f"{server.name}: {e}")
                continue
            values[server.name].append(result.value)
            client[server.name].append(result.client)
            answers.setdefault(result.rows, server.name)
    if len(answers) > 1:
        row["errors"].append(f"the sides answer differently: {answers}")
    row["values"] = values
    row["median"] = {name: statistics.median(v) for name, v in values.items() if v}
    row["client"] = {name: max(v) for name, v in client.items() if v}
    ours, theirs = (row["median"].get(name) for name in ("pillarbox", "peers"))
    if ours and theirs:
        row["ratio"] = theirs / ours if workload.unit == "ms" else ours / theirs
        row["met"] = row["ratio"] >= workload.target and not row["errors"]
    return row


def number(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


HEAD = ["workload", "unit", "ours", "theirs", "ratio", "target", "met", "client busy, ours/theirs"]


def cells(row):
    busy = "/".join(f"{row['client'][n] * 100:.0f} %" if n in row["client"] else "–" for n in ("pillarbox", "peers"))
    met = "–" if "met" not in row else "yes" if row["met"] else "no"
    return [row["text"], row["unit"], number(row["median"].get("pillarbox")), number(row["median"].get("peers")),
            f"{row['ratio']:.3g}" if "ratio" in row else "–", f"{row['target']}×", met, busy]


def show(columns, out):
    print("| " + " | ".join(columns) + " |", file=out, flush=True)


def main():
    o = options()
    rows_wanted = chosen(o.only)
    if o.list:
        for w in rows_wanted:
            print(f"{w.key:16} {w.text}")
        return 0
    out = sys.stderr if o.json == "-" else sys.stdout
    build = os.environ.get("PB_BUILD") or os.getcwd()
    fan_out = FAN_OUT if any(w.key == "deliver-many" for w in rows_wanted) else 0
    directory = tempfile.mkdtemp(prefix="pbbench.", dir=o.dir)
    os.chmod(directory, 0o755)
    servers, rows = [], []
    bench = workloads.Bench(build, o.scale)
    facts = machine(directory)
    try:
        servers.append(Pillarbox(os.path.join(directory, "a"), build, OFFSET, fan_out))
        facts["start_seconds"] = round(servers[0].start_seconds, 3)
        start = os.environ.get("PEERS_START")
        if start:
            servers.append(Peers(os.path.join(directory, "b"), start, PEERS_OFFSET, fan_out))
            facts["peers_tuned"] = servers[1].tuned
        else:
            print("THE PEERS ARE LEFT OUT: $PEERS_START names no script that starts them", file=out)
        print(f"{facts}; scale {o.scale}: {bench.big} messages in the large mailbox; medians of {o.rounds}", file=out)
        show(HEAD, out)
        show(["---"] * len(HEAD), out)
        for workload in rows_wanted:
            row = measure(bench, workload, servers, o.rounds)
            rows.append(row)
            show(cells(row), out)
            for error in sorted(set(row["errors"])):
                print(f"  ! {error}", file=sys.stderr)
    finally:
        for server in servers:
            server.stop()
        if o.keep:
            print(f"kept: {directory}", file=out)
        else:
            shutil.rmtree(directory, ignore_errors=True)
    if o.json:
        text = json.dumps({"machine": facts, "scale": o.scale, "rounds": o.rounds, "rows": rows}, indent=1)
        if o.json == "-":
            print(text)
        else:
            with open(o.json, "w", encoding="utf-8") as f:
                f.write(text + "\n")
    return 1 if any(row["errors"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
