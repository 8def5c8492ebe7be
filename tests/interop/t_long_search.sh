#!/bin/bash
# alone
# A search that takes long: it says how far it is (RFC 9585), others are served meanwhile, and it ends when its client is gone.
. "$(dirname "$0")/lib.sh"
suite_start
python3 - "$HERE" "$HOST" "$OFFSET" "$U1" "$PW" "$SUITE/log" >"$SUITE/out" 2>&1 <<'P'
import base64, os, re, sys, time; sys.path.insert(0, sys.argv[1])
from imapwire import Imap
host, off, user, pw, log = sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5], sys.argv[6]
c = Imap(host, off + 143); c.login(user, pw)
text = base64.encodebytes(os.urandom(44000)).replace(b"\n", b"\r\n")
mail = b"Subject: long\r\n\r\n" + text
for i in range(8):
    c.sock.sendall(b"a APPEND INBOX {%d+}\r\n" % len(mail) + mail + b"\r\n")
    while not c.line().startswith(b"a OK"): pass
c.cmd("SELECT INBOX")
for i in range(13):  # 65,536 entries, 4 GB to look through
    c.cmd("COPY 1:* INBOX")
d = Imap(host, off + 143); d.login(user, pw); d.cmd("SELECT INBOX")
waits, note = [], None
for attempt in range(4):  # on a fast machine it takes more for a search to be long
    c.cmd("COPY 1:* INBOX")
    began = time.monotonic()
    c.sock.sendall(b"s SEARCH BODY \"not in it\"\r\n")
    c.sock.settimeout(0.01)
    note = None
    while time.monotonic() < began + 40 and not note:
        try: note = c.line()
        except TimeoutError: pass
        start = time.monotonic(); d.cmd("NOOP"); d.cmd("UID FETCH 5 (FLAGS)"); waits.append((time.monotonic() - start) / 2)
    c.sock.settimeout(60)
    if not note or not note.startswith(b"* SEARCH"): break
    while not c.line().startswith(b"s OK"): pass
waits.sort()
print(f"{len(waits)} rounds of another session, median {waits[len(waits) // 2] * 1000:.1f} ms, 99% {waits[len(waits) * 99 // 100] * 1000:.1f} ms")
assert note and re.match(rb'\* OK \[INPROGRESS \("s" \d+ \d+\)\]', note), note
assert waits[len(waits) // 2] < 0.05, waits[len(waits) // 2]
def ended(): return open(log, "rb").read().count(b"session_end")
before = ended()
c.sock.close()
start = time.monotonic()
while ended() == before:
    assert time.monotonic() < start + 10, "the search goes on"
    time.sleep(0.05)
print(f"ended {time.monotonic() - start:.1f} s after its client")
P
[ $? -eq 0 ] && pass "long search: $(tr '\n' ' ' <"$SUITE/out")" || { fail "long search"; cat "$SUITE/out"; }
finish
