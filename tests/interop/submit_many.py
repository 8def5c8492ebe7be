"""Submits numbered messages: submit_many.py HOST PORT USER PASSWORD RECIPIENT FIRST COUNT [CONNECTIONS]

Prints how many were answered 250; ends with 1 where one was not."""
import base64
import socket
import sys
import threading

HOST, PORT, USER, PASSWORD, TO = sys.argv[1], int(sys.argv[2]), *sys.argv[3:6]
FIRST, COUNT = int(sys.argv[6]), int(sys.argv[7])
CONNECTIONS = int(sys.argv[8]) if len(sys.argv) > 8 else 8
taken = [0] * CONNECTIONS


def session(which):
    with socket.create_connection((HOST, PORT)) as s:
        replies = s.makefile("rb")

        def say(line, code):
            if line:
                s.sendall(line.encode() + b"\r\n")
            while True:
                reply = replies.readline()
                if reply[3:4] != b"-":
                    break
            if reply[:3] != code:
                raise RuntimeError(f"{line}: {reply!r}")

        say("", b"220")
        say("EHLO submit.test", b"250")
        say("AUTH PLAIN " + base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode(), b"235")
        for n in range(FIRST + which, FIRST + COUNT, CONNECTIONS):
            say(f"MAIL FROM:<{USER}>", b"250")
            say(f"RCPT TO:<{TO}>", b"250")
            say("DATA", b"354")
            say(f"From: <{USER}>\r\nTo: <{TO}>\r\nSubject: m{n}\r\n\r\nNumber {n}.\r\n.", b"250")
            taken[which] += 1
        say("QUIT", b"221")


threads = [threading.Thread(target=session, args=(i,)) for i in range(CONNECTIONS)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(sum(taken))
sys.exit(sum(taken) != COUNT)
