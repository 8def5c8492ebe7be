#!/usr/bin/env python3
"""Mail servers that differ in their TLS, and web servers with MTA-STS policies, for t_tls_out.sh; made of a JSON description:

  {"port": 2525, "policy_port": 8443, "folder": "…",
   "mail": {"127.0.16.10": {"cert": "a.pem", "starttls": true, "broken": false, "requiretls": false}},
   "web": {"127.0.16.1": {"cert": "web.pem", "policies": {"mta-sts.x.test": "version: STSv1…"}}}}

Each mail is a file in the folder: address, whether by TLS, the MAIL command."""
import http.server
import json
import os
import socketserver
import ssl
import sys
import threading
import time

ABOUT = json.load(open(sys.argv[1]))


def context(cert):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(cert)
    return c


class Mail(socketserver.BaseRequestHandler):
    def say(self, text):
        self.f.write(text.encode() + b"\r\n")
        self.f.flush()

    def handle(self):
        about = self.server.about
        self.f = self.request.makefile("rwb")
        tls, mail = False, ""
        self.say("220 there ESMTP")
        while line := self.f.readline():
            verb = line.split()[0].upper().decode() if line.split() else ""
            if verb == "EHLO":
                self.say("250-there")
                if about.get("starttls", True) and not tls:
                    self.say("250-STARTTLS")
                if about.get("requiretls") and tls:
                    self.say("250-REQUIRETLS")
                self.say("250 SIZE 0")
            elif verb == "STARTTLS":
                self.f.write(b"220 go\r\n" + (b"no TLS at all\r\n" if about.get("inject") else b""))
                self.f.flush()
                if about.get("broken"):
                    if not about.get("inject"):
                        time.sleep(0.3)  # in one segment with the 220 it is more than a reply (RFC 3207 §4.2)
                    self.f.write(b"no TLS at all\r\n")
                    self.f.flush()
                    return
                try:
                    self.request = context(about["cert"]).wrap_socket(self.request, server_side=True)
                except (ssl.SSLError, OSError):
                    return
                self.f, tls = self.request.makefile("rwb"), True
            elif verb == "DATA":
                self.say("354 go on")
                while (line := self.f.readline()) and line != b".\r\n":
                    pass
                with open(f"{ABOUT['folder']}/{time.time_ns()}", "w") as out:
                    out.write(f"{self.server.server_address[0]} {'tls' if tls else 'clear'} {mail}\n")
                self.say("250 2.0.0 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                if verb == "MAIL":
                    mail = line.decode().strip()
                self.say("250 2.0.0 ok")


class Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = self.server.about["policies"].get(self.headers["Host"].split(":")[0])
        good = text is not None and self.path == "/.well-known/mta-sts.txt"
        body = (text or "").encode()
        self.send_response(200 if good else 404)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request, client):
        pass


for address, about in ABOUT["mail"].items():
    s = Server((address, ABOUT["port"]), Mail)
    s.about = about
    threading.Thread(target=s.serve_forever, daemon=True).start()
for address, about in ABOUT["web"].items():
    s = Server((address, ABOUT["policy_port"]), Web)
    s.about = about
    s.socket = context(about["cert"]).wrap_socket(s.socket, server_side=True)
    threading.Thread(target=s.serve_forever, daemon=True).start()
print("ready", flush=True)
while os.getppid() != 1:
    time.sleep(1)
