#!/usr/bin/env python3
"""A normal client, again and again until SIGTERM: "ready", then a line of JSON each second, with the milliseconds of each command and what was answered wrongly. The suite may be killed meanwhile."""
import json
import signal
import threading
import time

from clients import one_normal

over = threading.Event()


def main():
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    print("ready", flush=True)
    took, wrong, told = [], [], time.monotonic()
    while not over.is_set():
        try:
            one_normal(took, wrong)
        except OSError:  # nobody listens
            over.wait(0.05)
        if time.monotonic() - told > 1 or over.is_set():
            # an answer that was cut off is none
            print(json.dumps({"took": took, "wrong": [repr(w)[:200] for w in wrong if w]}), flush=True)
            took, wrong, told = [], [], time.monotonic()
        over.wait(0.05)


if __name__ == "__main__":
    main()
