#!/bin/bash
# offlineimap: full two-way sync of a tree with non-ASCII folder names, twice; the second run changes nothing
. "$(dirname "$0")/lib.sh"
need offlineimap
suite_start
export HOME=$SUITE/home; mkdir -p "$HOME"
cat >"$HOME/.offlineimaprc" <<X
[general]
accounts = pb
maxsyncaccounts = 1
[Account pb]
localrepository = local
remoterepository = remote
[Repository local]
type = Maildir
localfolders = $SUITE/md
[Repository remote]
type = IMAP
remotehost = localhost
remoteport = $(port 993)
remoteuser = $U1
remotepass = $PW
ssl = yes
sslcacertfile = $CA
maxconnections = 2
X
python3 "$HERE/make_tree.py" $HOST "$(port 143)" $U1 "$PW" || fail "the tree could not be made"
state() { (cd "$SUITE/md" && find . -type f \( -path '*/cur/*' -o -path '*/new/*' \) | sort | xargs -d '\n' md5sum) | md5sum; }
O=(offlineimap -o -u basic)
check "first sync" "${O[@]}"
equal "40 messages came" "$(find "$SUITE/md" -type f \( -path '*/cur/*' -o -path '*/new/*' \) | wc -l)" 40
before=$(state); server=$(python3 "$HERE/snapshot.py" $HOST "$(port 143)" $U1 "$PW")
check "second sync" "${O[@]}"
equal "it changes nothing here" "$(state)" "$before"
equal "nor there" "$(python3 "$HERE/snapshot.py" $HOST "$(port 143)" $U1 "$PW")" "$server"
message $U1 "from the local side" >"$SUITE/md/Archive/new/1700000000.1_1.host"
rm "$(find "$SUITE/md/INBOX" -type f | head -1)"
check "third sync carries changes" "${O[@]}"
equal "INBOX has one less" "$(count $U1)" 9
equal "Archive has one more" "$(count $U1 Archive)" 11
before=$(state)
check "fourth sync" "${O[@]}"
equal "it changes nothing" "$(state)" "$before"
finish
