#!/bin/bash
# mbsync: full two-way sync of a tree with non-ASCII folder names, twice; the second run changes nothing
. "$(dirname "$0")/lib.sh"
need mbsync
suite_start
export HOME=$SUITE/home; mkdir -p "$HOME" "$SUITE/md"
cat >"$HOME/.mbsyncrc" <<X
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
Path $SUITE/md/
Inbox $SUITE/md/INBOX
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
python3 "$HERE/make_tree.py" $HOST "$(port 143)" $U1 "$PW" || fail "the tree could not be made"
state() { (cd "$SUITE/md" && find . -type f -path '*/cur/*' -o -type f -path '*/new/*' | sort | xargs -d '\n' md5sum) | md5sum; }
check "first sync" mbsync -a
equal "40 messages came" "$(find "$SUITE/md" -type f \( -path '*/cur/*' -o -path '*/new/*' \) | wc -l)" 40
# this mbsync keeps the names as they are on the wire (RFC 3501 5.1.3)
[ -d "$SUITE/md/Entw&APw-rfe &- Ideen/&AMk-t&AOk-" ] && [ -d "$SUITE/md/&ZeVnLA-/&Z3FOrA- 2026" ] && pass "non-ASCII folder names" || { fail "non-ASCII folder names"; find "$SUITE/md" -type d | head -30; }
before=$(state); server=$(python3 "$HERE/snapshot.py" $HOST "$(port 143)" $U1 "$PW")
check "second sync" mbsync -a
equal "it changes nothing here" "$(state)" "$before"
equal "nor there" "$(python3 "$HERE/snapshot.py" $HOST "$(port 143)" $U1 "$PW")" "$server"
# changes on both sides
m=$(ls "$SUITE"/md/INBOX/cur/* "$SUITE"/md/INBOX/new/* 2>/dev/null | head -1)
rm "$m"
mkdir -p "$SUITE/md/Neu hier"/{cur,new,tmp}
message $U1 "from the near side" >"$SUITE/md/Neu hier/new/1700000000.1_1.host"
python3 - "$HERE" $HOST "$(port 143)" $U1 "$PW" <<'P' || fail "changes on the server"
import sys; sys.path.insert(0, sys.argv[1])
from imapwire import Imap
c = Imap(sys.argv[2], int(sys.argv[3])); c.login(sys.argv[4], sys.argv[5])
c.cmd("SELECT Archive"); c.cmd("STORE 1 +FLAGS (\\Flagged \\Seen)"); c.cmd("STORE 2 +FLAGS (\\Deleted)"); c.cmd("EXPUNGE")
P
check "third sync carries both sides' changes" mbsync -a
equal "INBOX has one less" "$(count $U1)" 9
equal "the new folder is there" "$(count $U1 "Neu hier")" 1
equal "Archive has one less here" "$(find "$SUITE/md/Archive" -type f -path '*/cur/*' -o -type f -path '*/md/Archive/new/*' | wc -l)" 9
ls "$SUITE"/md/Archive/cur | grep -q ',.*F' && pass "the flag came" || fail "the flag did not come"
before=$(state)
check "fourth sync" mbsync -a
equal "it changes nothing" "$(state)" "$before"
finish
