#!/usr/bin/env python3
"""secrets_keys.py STAGE DIR DAEMON=PID...: private keys in the daemons' memory. Of what a key was read from nothing is left; the key itself is there as long as it is used
(STAGE "used"), and not afterwards ("gone")."""
import glob
import re
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from memory import search

stage, where = sys.argv[1], sys.argv[2]
pids = dict(a.split("=") for a in sys.argv[3:])


def of_file(path):
    """What of the key may be in memory, {octets: what}: its text, its numbers as they are written down, and as they are computed with."""
    with open(path, "rb") as f:
        pem = f.read()
    text = b"".join(pem.split(b"\n")[1:-2])
    key = serialization.load_pem_private_key(pem, None)
    written, used = {text[20:60] if len(text) > 100 else text[22:62]: "the file's text"}, {}
    if isinstance(key, rsa.RSAPrivateKey):
        n = key.private_numbers()
        for name, number in (("p", n.p), ("q", n.q), ("d", n.d)):
            octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
            written[octets[:32]] = name + " as DER has it"
            if name == "p":
                used[octets[::-1][:32]] = name
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        number = key.private_numbers().private_value
        octets = number.to_bytes((key.key_size + 7) // 8, "big")
        written[octets] = "the number as DER has it"
        used[octets[::-1]] = "the number"
    else:
        used[key.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())] = "the seed"
    return written, used


def check(what, good, hits):
    print(f"{'ok  ' if good else 'FAIL'} {what}")
    for h in [] if good else hits[:3]:
        print("     |", re.sub(r"[^ -~]", "?", h)[:200])


dkim = sorted(glob.glob(where + "/keys/*.pem"))
for path in dkim:
    written, used = of_file(path)
    name = path.rsplit("/", 1)[1]
    hits = search(pids["smtpd"], written)
    check(f"{stage}: of the file of a key that signs ({name}) smtpd's memory has nothing", not hits, hits)
    hits = search(pids["smtpd"], used)
    check(f"{stage}: the key itself is {'there, while it is used' if stage == 'used' else 'wiped'}", bool(hits) == (stage == "used"), hits)
written, used = of_file(where + "/tls/server-key.pem")
for daemon, pid in pids.items():
    hits = search(pid, written)
    check(f"{stage}: of the file of TLS's key {daemon}'s memory has nothing", not hits, hits)
    check(f"{stage}: and the key is there", bool(search(pid, used)), [])
old = glob.glob(where + "/keys/old-tls.key")
for path in old:
    written, used = of_file(path)
    for daemon, pid in pids.items():
        hits = search(pid, {**written, **used})
        check(f"{stage}: {daemon} has wiped the key that it had before", not hits, hits)
print("end")
