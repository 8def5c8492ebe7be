#!/usr/bin/env python3
"""SCRAM-SHA-256-PLUS by tls-server-end-point (RFC 5929 §4), which no client in Debian has: RFC 5802 §3 in Python's hashlib."""
import base64, hashlib, hmac, imaplib, os, ssl, sys

host, port, ca, user, password = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5]
bad = 0


def attempt(binding, data=None, password=password, version=None):
    """None, or what the server said against it."""
    context = ssl.create_default_context(cafile=ca)
    if version:
        context.maximum_version = version
    c = imaplib.IMAP4_SSL("localhost", port, ssl_context=context)
    der = c.socket().getpeercert(binary_form=True)
    data = data or {"tls-server-end-point": hashlib.sha256(der).digest()}[binding]
    first = f"n={user},r={base64.b64encode(os.urandom(18)).decode()}"
    header = f"p={binding},,"
    said = {}

    def answer(challenge):
        text = challenge.decode()
        if not text:
            return (header + first).encode()
        fields = dict(f.split("=", 1) for f in text.split(","))
        if "v" in fields:
            if base64.b64decode(fields["v"]) != said["signature"]:
                raise RuntimeError("the server does not know the password")
            return b""
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        last = f"c={base64.b64encode(header.encode() + data).decode()},r={fields['r']}"
        whole = f"{first},{text},{last}".encode()
        proof = bytes(a ^ b for a, b in zip(key, hmac.digest(hashlib.sha256(key).digest(), whole, "sha256")))
        said["signature"] = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), whole, "sha256")
        return f"{last},p={base64.b64encode(proof).decode()}".encode()

    try:
        c.authenticate("SCRAM-SHA-256-PLUS", answer)
        c.select()
        c.logout()
        return None
    except imaplib.IMAP4.error as e:
        return str(e)


for what, want, got in (
        ("tls-server-end-point", True, attempt("tls-server-end-point")),
        ("tls-server-end-point, TLS 1.2", True, attempt("tls-server-end-point", version=ssl.TLSVersion.TLSv1_2)),
        ("another certificate", False, attempt("tls-server-end-point", b"x" * 32)),
        ("wrong password", False, attempt("tls-server-end-point", password="nein")),
        ("a binding that nobody knows", False, attempt("tls-nonsense", b"x" * 32))):
    if (got is None) != want:
        bad += 1
        print("not ok:", what, got)
sys.exit(1 if bad else 0)
