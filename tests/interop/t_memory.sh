#!/bin/bash
# alone
# Memory: each daemon idle under 12 MB resident; 1,000 idle IMAP connections add under 20 MB.
. "$(dirname "$0")/lib.sh"
case "$(nm -D "$PB_BUILD/imapd/imapd" 2>/dev/null)" in *__asan*|*__tsan*) echo "skip: memory of a sanitizer build says nothing"; echo "0 passed, 0 failed"; exit 0 ;; esac
suite_start max_connections_per_address=5000
rss() { awk '/^VmRSS/ {print $2}' "/proc/$1/status"; }
sleep 1
for d in smtpd pop3d imapd; do
  r=$(rss "$(daemon_pid $d)")
  [ "$r" -lt 12288 ] && pass "$d idle: $r kB" || fail "$d idle: $r kB, more than 12288"
done
before=$(rss "$(daemon_pid imapd)")
python3 - "$HOST" "$(port 143)" "$U1" "$PW" "$SUITE/idlers" >"$SUITE/out" 2>&1 <<'P' &
import resource, socket, sys, time
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
host, port, user, pw, ready = sys.argv[1:6]
socks = []
for i in range(1000):
    s = socket.create_connection((host, int(port)), timeout=20); f = s.makefile("rb")
    f.readline(); s.sendall(f"a LOGIN {user} {pw}\r\n".encode())
    while not f.readline().startswith(b"a OK"): pass
    s.sendall(b"b SELECT INBOX\r\n")
    while not f.readline().startswith(b"b OK"): pass
    s.sendall(b"c IDLE\r\n")
    assert f.readline().startswith(b"+ ")
    socks.append((s, f))
open(ready, "w").write("ready"); time.sleep(4)
P
client=$!
for _ in $(seq 1 600); do [ -s "$SUITE/idlers" ] && break; kill -0 $client 2>/dev/null || break; sleep 0.1; done
[ -s "$SUITE/idlers" ] || { fail "1,000 idle connections could not be made"; cat "$SUITE/out"; }
sleep 1
after=$(rss "$(daemon_pid imapd)")
added=$((after - before))
[ $added -lt 20480 ] && pass "1,000 idle connections add $added kB" || fail "1,000 idle connections add $added kB, more than 20480"
wait $client
finish
