#!/usr/bin/env python3
"""Makes a folder tree with non-ASCII names and ten messages in each of four folders: host port user password."""
import imaplib
import sys
import time


def utf7(name):
    """RFC 3501 5.1.3"""
    import base64
    out, run = "", ""
    for ch in name + "\0":
        if 0x20 <= ord(ch) <= 0x7E or ch == "\0":
            if run:
                out += "&" + base64.b64encode(run.encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"
                run = ""
            if ch != "\0":
                out += "&-" if ch == "&" else ch
        else:
            run += ch
    return out


host, port, user, password = sys.argv[1:5]
c = imaplib.IMAP4(host, int(port))
c.login(user, password)
for folder in ("INBOX", "Archive", "Entwürfe & Ideen", "Entwürfe & Ideen/Été", "日本/東京 2026"):
    name = '"' + utf7(folder).replace("\\", "\\\\").replace('"', '\\"') + '"'
    if folder != "INBOX":
        assert c.create(name)[0] == "OK" or folder == "Archive", name
        assert c.subscribe(name)[0] == "OK", name
    if folder.startswith("日本"):
        continue
    for i in range(10):
        text = f"From: a@b.test\r\nTo: {user}\r\nSubject: =?utf-8?q?Nachricht_=C3=A4_{i}?=\r\nMessage-ID: <{abs(hash(folder))}.{i}@tree.test>\r\nDate: Sun, 22 Nov 2026 12:0{i}:00 +0000\r\n\r\nText {i} in folder.\r\n" + "x" * 70 * i + "\r\n"
        r = c.append(name, "(\\Seen)" if i % 2 else "", imaplib.Time2Internaldate(time.time() - 86400 * i), text.encode())
        assert r[0] == "OK", r
c.logout()
