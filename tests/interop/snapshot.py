#!/usr/bin/env python3
"""Prints a digest of every folder's UIDs, flags (without Recent) and sizes: host port user password."""
import hashlib
import imaplib
import re
import sys

host, port, user, password = sys.argv[1:5]
c = imaplib.IMAP4(host, int(port))
c.login(user, password)
h = hashlib.sha256()
for line in sorted(c.list()[1]):
    name = re.search(rb'"/" (.*)$', line).group(1).decode()
    h.update(re.sub(rb"\\(Has|Un|Marked)\w*", b"", line))
    if b"\\Noselect" in line:
        continue
    assert c.select(name, readonly=True)[0] == "OK", name
    for row in c.uid("FETCH", "1:*", "(FLAGS RFC822.SIZE)")[1]:
        h.update((row or b"").replace(b"\\Recent", b""))
print(h.hexdigest())
c.logout()
