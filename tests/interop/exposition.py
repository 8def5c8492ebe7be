#!/usr/bin/env python3
"""Holds text against Prometheus' exposition format 0.0.4, and asks it for values.

exposition.py check FILE                      complains of every line that is not right
exposition.py value FILE NAME [LABEL=VALUE..] the sum of the samples with that name and these labels
exposition.py labels FILE                     every label value, a line each
"""
import re, sys

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)( -?\d+)?$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')


def labels_of(text):
    labels, at = {}, 0
    while at < len(text):
        m = LABEL.match(text, at)
        assert m, f"labels: {text}"
        assert m[1] not in labels, f"twice: {m[1]}"
        labels[m[1]] = m[2]
        at = m.end()
    return labels


def samples(lines):
    for line in lines:
        if line and not line.startswith("#"):
            m = SAMPLE.match(line)
            assert m, f"no sample: {line}"
            yield m[1], labels_of(m[2] or ""), float(m[3].replace("+Inf", "inf"))


def family_of(name, kinds):
    for end in ("_bucket", "_sum", "_count"):
        if name.endswith(end) and kinds.get(name[: -len(end)]) == "histogram":
            return name[: -len(end)]
    return name


def check(text):
    assert text.endswith("\n"), "the last line has no end"
    kinds, helps, over, now, seen = {}, set(), set(), None, set()
    buckets = {}
    for line in text.split("\n")[:-1]:
        assert line == line.strip() and line, f"blanks: {line!r}"
        if line.startswith("# HELP "):
            _, _, name, _ = line.split(" ", 3)
            assert NAME.fullmatch(name) and name not in helps, f"HELP: {line}"
            helps.add(name)
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert kind in ("counter", "gauge", "histogram") and name not in kinds, line
            assert kind != "counter" or name.endswith("_total"), f"a counter's name: {name}"
            kinds[name] = kind
            if now:
                over.add(now)
            now = name
            continue
        assert not line.startswith("#"), f"comment: {line}"
        ((name, labels, value),) = samples([line])
        family = family_of(name, kinds)
        assert family == now and family not in over, f"not with its family: {line}"
        key = (name, tuple(sorted(labels.items())))
        assert key not in seen, f"twice: {line}"
        seen.add(key)
        if kinds[family] == "histogram":
            rest = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
            buckets.setdefault((family, rest), []).append((name[len(family) :], labels.get("le"), value))
        assert value >= 0, f"negative: {line}"
    for (family, rest), rows in buckets.items():
        les = [(float(le.replace("+Inf", "inf")), v) for end, le, v in rows if end == "_bucket"]
        assert les == sorted(les), f"{family} {rest}: buckets out of order or not cumulative"
        assert les[-1][0] == float("inf"), f"{family}: no +Inf"
        count = [v for end, _, v in rows if end == "_count"]
        assert count == [les[-1][1]], f"{family} {rest}: count {count}, +Inf {les[-1]}"
        assert sum(end == "_sum" for end, _, _ in rows) == 1, f"{family}: sum"
    assert kinds and helps == set(kinds), "HELP and TYPE of every family"


def main():
    what, path = sys.argv[1:3]
    text = open(path, encoding="utf-8").read()
    if what == "check":
        check(text)
    elif what == "value":
        wanted = dict(a.split("=", 1) for a in sys.argv[4:])
        got = [v for n, l, v in samples(text.split("\n")) if n == sys.argv[3] and wanted.items() <= l.items()]
        assert got, f"no {sys.argv[3]} {wanted}"
        print(f"{sum(got):g}")
    elif what == "labels":
        print("\n".join(sorted({v for _, l, _ in samples(text.split("\n")) for v in l.values()})))


if __name__ == "__main__":
    try:
        main()
    except AssertionError as e:
        sys.exit(f"exposition: {e}")
