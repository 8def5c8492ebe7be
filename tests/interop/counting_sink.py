"""A mail server that counts: counting_sink.py PORT FILE [DELAY_MS]

Each message it has answered 250 is one line of FILE: the connection's number and the message's Subject. The line is
written before the answer, so that a client that is killed may have an answer less than there are lines, never more.
Recipients whose name begins with "refused" are; so, after DELAY, are messages whose Subject begins with "later" (451)
or "never" (554). FILE.begun has a line for each message that has come, before DELAY.
"""
import asyncio
import sys

PORT, PATH = int(sys.argv[1]), sys.argv[2]
DELAY = int(sys.argv[3]) / 1000 if len(sys.argv) > 3 else 0
connections = 0


async def message(reader):
    subject = "?"
    while True:
        line = await reader.readline()
        if not line or line == b".\r\n":
            return line, subject
        if line.startswith(b"Subject: "):
            subject = line[9:].strip().decode()


async def serve(reader, writer, out):
    global connections
    connections += 1
    number = connections
    taken = 0
    writer.write(b"220 sink.test ESMTP\r\n")
    try:
        while True:
            line = (await reader.readline()).strip().upper()
            if not line:
                break
            verb = line.split()[0]
            if verb == b"EHLO":
                writer.write(b"250-sink.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
            elif line.startswith(b"RCPT TO:<REFUSED"):
                writer.write(b"550 5.1.1 No such user\r\n")
            elif verb == b"DATA" and not taken:
                writer.write(b"554 5.5.1 No recipients\r\n")
            elif verb == b"DATA":
                taken = 0
                writer.write(b"354 go on\r\n")
                end, subject = await message(reader)
                if not end:
                    break
                with open(PATH + ".begun", "a", encoding="utf-8") as begun:
                    begun.write(f"{number} {subject}\n")
                await asyncio.sleep(DELAY)
                if subject.startswith(("later", "never")):
                    writer.write(b"451 4.2.0 Later\r\n" if subject.startswith("later") else b"554 5.6.0 Never\r\n")
                    await writer.drain()
                    continue
                out.write(f"{number} {subject}\n")
                out.flush()
                writer.write(b"250 2.0.0 Ok\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 2.0.0 Bye\r\n")
                break
            else:
                taken = taken + 1 if verb == b"RCPT" else 0
                writer.write(b"250 2.0.0 Ok\r\n")
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def main():
    with open(PATH, "a", encoding="utf-8") as out:
        server = await asyncio.start_server(lambda r, w: serve(r, w, out), "127.0.0.1", PORT, backlog=1000)
        async with server:
            await server.serve_forever()


asyncio.run(main())
