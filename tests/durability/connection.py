"""A connection in lines, for tests that break it: whatever ends it is an OSError or EOFError."""
import socket

ANSWER_S = 60


class Connection:
    def __init__(self, port, user, password):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.sock.makefile("rb", 1 << 18)
        try:
            self.log_in(user, password)
        except BaseException:
            self.close()
            raise

    def close(self):
        self.file.close()
        self.sock.close()

    def line(self):
        """Octets, without the line's end."""
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError("closed")
        return line[:-2]
