"""What a run has found, as Markdown: row by row while it goes on, or all of it from the JSON that it wrote."""
import sys

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
HEAD = ["workload", "unit", "ours", "theirs", "ratio", "target", "met", "client busy, ours/theirs"]
GROWTH_HEAD = ["what grows", "work", "side", "unit", "at", "takes", "ten times cost", "at most ten"]


def number(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def line(columns):
    return "| " + " | ".join(columns) + " |"


def head(columns):
    return [line(columns), line(["---"] * len(columns))]


def workload_line(row):
    busy = "/".join(f"{row['client'][n] * 100:.0f} %" if row["client"].get(n) is not None else "–"
                    for n in ("pillarbox", "peers"))
    met = {True: "yes", False: "no", None: "–"}[row.get("met")]
    if row["errors"]:
        met = "error"
    return line([row["text"], row["unit"], number(row["median"].get("pillarbox")), number(row["median"].get("peers")),
                 number(row.get("ratio")), row["target"], met, busy])


def growth_line(row):
    return line([row["axis"], row["work"], row["side"], row["unit"], " / ".join(f"{n:,}" for n in row["sizes"]),
                 " / ".join(number(c) for c in row["costs"]), number(row["tenfold"]) + "×",
                 "yes" if row["met"] else "no"])


def facts_text(found):
    """The machine, its physical limits, and what was set, in sentences."""
    m, out = found["machine"], []
    out.append(f"{m['date']}; {m['cpu']}, {m['cores']} cores, Linux {m['kernel']}, load average {m['load']:.1f} at the "
               f"start; scale {found['scale']:g}, medians of {found['rounds']}.")
    limits = m.get("limits")
    if limits:
        out.append(f"Limits of the machine in the same run: 4 KB appended and synced {limits['syncs']:,.0f} times a second "
                   f"in one file, {limits['syncs_parallel']:,.0f} in {limits['sync_files']} files at once; memory copied "
                   f"at {limits['memory_gb']:.1f} GB/s by one core, {limits['memory_gb_all']:.1f} by all.")
    if m.get("tls"):
        t = m["tls"]
        out.append(f"TLS: {t['cipher']}, of which `openssl speed` does {t['mb']:,.0f} MB/s on one core.")
    if m.get("set"):
        out.append("Set for the run: " + "; ".join(m["set"]) + ".")
    return out


def document(found):
    out = facts_text(found) + [""]
    if found["rows"]:
        out += head(HEAD) + [workload_line(r) for r in found["rows"]] + [""]
        out += [f"- {r['text']}: {e}" for r in found["rows"] for e in sorted(set(r["errors"]))]
        out += [f"- {r['text']}: {n}" for r in found["rows"] for n in r.get("notes", [])]
    if found.get("growth"):
        out += head(GROWTH_HEAD) + [growth_line(r) for r in found["growth"]]
        out += [""] + [f"- {n}" for n in found.get("growth_notes", [])]
    return "\n".join(out).rstrip() + "\n"


def put_into(path, text):
    """Replaces what stands between the marks in the file."""
    with open(path, encoding="utf-8") as f:
        whole = f.read()
    if BEGIN not in whole or END not in whole:
        sys.exit(f"{path} has no lines {BEGIN} and {END}")
    before, rest = whole.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"{before}{BEGIN}\n{text}{END}{after}")
