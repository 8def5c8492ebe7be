#!/usr/bin/env python3
"""Serves MTA-STS policies by HTTPS on loopback: sts_server.py CERTIFICATE KEY DIR. DIR/HOST is a whole answer, headers and all; DIR/log has what was asked.
Prints its port."""
import socket, ssl, sys, threading

certificate, key, where = sys.argv[1:4]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)


def serve(connection):
    try:
        with context.wrap_socket(connection, server_side=True) as c:
            request = b""
            while b"\r\n\r\n" not in request:
                more = c.recv(4096)
                if not more:
                    return
                request += more
            lines = request.decode().split("\r\n")
            host = next(line[5:].strip().split(":")[0] for line in lines if line.lower().startswith("host:"))
            with open(f"{where}/log", "a") as log:
                log.write(f"{host} {lines[0]}\n")
            with open(f"{where}/{host}", "rb") as f:
                c.sendall(f.read())
    except OSError:
        pass


while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
