#!/bin/bash
# Two mbsync (PipelineDepth 50) and Python's imaplib on one account at once: each changes its side, and in the end all have the same.
. "$(dirname "$0")/lib.sh"
need mbsync
suite_start
for side in a b; do
  mkdir -p "$SUITE/$side/md"
  cat >"$SUITE/$side/rc" <<X
IMAPAccount pb
Host localhost
Port $(port 993)
User $U1
Pass $PW
SSLType IMAPS
CertificateFile $CA
PipelineDepth 50

IMAPStore remote
Account pb

MaildirStore local
Path $SUITE/$side/md/
Inbox $SUITE/$side/md/INBOX
SubFolders Verbatim

Channel all
Far :remote:
Near :local:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
X
done
python3 "$HERE/make_tree.py" $HOST "$(port 143)" $U1 "$PW" || fail "the tree could not be made"
sync() { HOME=$SUITE/$1 mbsync -q -c "$SUITE/$1/rc" -a; }
# what a side holds: folder, flags, octets (mbsync's own header X-TUID left out)
holds() { python3 - "$SUITE/$1/md" <<'P'
import hashlib, os, re, sys
rows = []
for folder, _, files in os.walk(sys.argv[1]):
    if os.path.basename(folder) in ("cur", "new"):
        for name in files:
            data = re.sub(rb"(?m)^X-TUID: .*\n", b"", open(os.path.join(folder, name), "rb").read().replace(b"\r\n", b"\n"))
            flags = name.split(",")[-1] if ":2," in name else ""
            rows.append((os.path.relpath(os.path.dirname(folder), sys.argv[1]), flags, hashlib.sha256(data).hexdigest()))
print("\n".join(" ".join(r) for r in sorted(rows)))
P
}
third() { # TURN: a client that puts mail in, changes flags and takes mail away
  python3 - $HOST "$(port 143)" $U1 "$PW" "$1" <<'P'
import imaplib, sys
host, port, user, password, turn = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
c = imaplib.IMAP4(host, port)
c.login(user, password)
for n in range(8):
    assert c.append("INBOX", "(\\Seen)", None, b"From: a@b.test\r\nSubject: turn %d, %d\r\nMessage-ID: <%d.%d@interop.test>\r\n\r\nx\r\n" % (turn, n, turn, n))[0] == "OK"
    assert c.select("INBOX")[0] == "OK"
    assert c.uid("STORE", "1:*", "+FLAGS" if n % 2 else "-FLAGS", "(\\Flagged)")[0] == "OK"
    uids = c.uid("SEARCH", None, "ALL")[1][0].split()
    assert c.uid("STORE", uids[0], "+FLAGS", "(\\Deleted)")[0] == "OK"
    assert c.expunge()[0] == "OK"
c.logout()
P
}
all_at_once() { # TURN
  local one two three r1 r2 r3
  sync a >"$SUITE/out.a" 2>&1 & one=$!
  sync b >"$SUITE/out.b" 2>&1 & two=$!
  third "$1" >"$SUITE/out.c" 2>&1 & three=$!
  wait $one; r1=$?
  wait $two; r2=$?
  wait $three; r3=$?
  cat "$SUITE/out.a" "$SUITE/out.b" "$SUITE/out.c" >"$SUITE/out"
  [ $r1$r2$r3 = 000 ]
}
change() { # SIDE TURN: two new messages, one gone, one flagged
  local cur=$SUITE/$1/md/INBOX/cur f n
  for n in 1 2; do message $U1 "from $1, turn $2, $n" >"$SUITE/$1/md/INBOX/new/$(date +%s%N).$2$n.$1"; done
  f=$(find "$cur" -type f | sort | sed -n 3p); [ -z "$f" ] || rm "$f"
  f=$(find "$cur" -type f -name '*:2,' | sort | tail -1); [ -z "$f" ] || mv "$f" "${f}F"
}
check "the first side" sync a
check "the second side" sync b
equal "both have the same" "$(holds a | md5sum)" "$(holds b | md5sum)"
for turn in 1 2 3; do
  change a $turn
  change b $turn
  if all_at_once $turn; then
    pass "turn $turn: all at once"
  elif grep -Eqi 'BAD|protocol|unexpected|malformed|Traceback' "$SUITE/out"; then
    fail "turn $turn"; sed 's/^/     | /' "$SUITE/out" | tail
  else # a message that another has just taken away: the next run finds it gone
    pass "turn $turn: all at once, some left for the next run"
  fi
done
for side in a b a b; do check "side $side comes to rest" sync $side; done
equal "both have the same in the end" "$(holds a | md5sum)" "$(holds b | md5sum)"
equal "and as many as the server" "$(holds a | grep -c '^INBOX ')" "$(count $U1)"
before=$(python3 "$HERE/snapshot.py" $HOST "$(port 143)" $U1 "$PW")
check "another run" sync a
equal "changes nothing" "$(python3 "$HERE/snapshot.py" $HOST "$(port 143)" $U1 "$PW")" "$before"
check "the databases are sound" "$PILLARBOX" -c "$CONF" check
finish
