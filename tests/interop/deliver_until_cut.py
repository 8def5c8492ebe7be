#!/usr/bin/env python3
"""Delivers from four threads until the server is gone; notes each acknowledged subject: host port to round file."""
import smtplib
import sys
import threading

host, port, to, rnd, path = sys.argv[1:6]
acked = open(path, "a")
lock = threading.Lock()


def run(t):
    try:
        s = smtplib.SMTP(host, int(port), "c.test", timeout=10)
        for i in range(5000):
            subject = f"r{rnd}t{t}n{i}"
            s.sendmail("x@remote.test", [to], f"Subject: {subject}\r\n\r\n" + "text\r\n" * 200)
            with lock:
                acked.write(subject + "\n")
                acked.flush()
    except (smtplib.SMTPException, OSError):
        pass


threads = [threading.Thread(target=run, args=(t,)) for t in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
