#!/bin/bash
# Who the daemons are once their ports are bound, what the files they make let others read, and the units' hardening.
. "$(dirname "$0")/lib.sh"
status() { awk -v f="$2:" '$1 == f { $1 = ""; sub(/^ /, ""); print }' "/proc/$1/status"; }
sanitized=no
case "$(nm -D "$PB_BUILD/imapd/imapd" 2>/dev/null)" in *__asan*|*__tsan*) sanitized=yes ;; esac
NONE=0000000000000000

# look_at WHO UID GROUPS: each daemon of the suite that runs, and who supervises them
look_at() {
  local d p set
  for d in smtpd pop3d imapd pillarbox; do
    if [ $d = pillarbox ]; then p=$SUITE_PID; else p=$(daemon_pid $d); fi
    # root that is nobody else may start daemons that become somebody
    [ "$d:$2" != pillarbox:0 ] || continue
    [ -n "$p" ] || { fail "$d runs ($1)"; continue; }
    equal "$d is nobody else ($1)" "$(status "$p" Uid) $(status "$p" Gid | cut -d' ' -f1)" "$2 $2 $2 $2 $3"
    if [ "$3" != 0 ]; then equal "$d has no group but its own ($1)" "$(status "$p" Groups | tr -d ' ')" "$3"; fi
    [ $sanitized = no ] || continue
    for set in CapInh CapPrm CapEff CapAmb; do equal "$d: $set ($1)" "$(status "$p" $set)" $NONE; done
    [ "$(id -u)" != 0 ] || equal "$d: CapBnd ($1)" "$(status "$p" CapBnd)" $NONE
    equal "$d can't gain any ($1)" "$(status "$p" NoNewPrivs)" 1
    [ $d = pillarbox ] || equal "$d makes only the calls on its list ($1)" "$(status "$p" Seccomp)" 2
    grep -q 'Max core file size *0 *0 ' "/proc/$p/limits" && pass "$d leaves no core dump ($1)" || fail "$d leaves no core dump ($1)"
    # of a process that can't be dumped /proc is root's
    equal "$d: nobody looks into it ($1)" "$(stat -c %U "/proc/$p/maps")" root
    [ $d = pillarbox ] || for t in /proc/"$p"/task/*/status; do grep -q '^Seccomp:.2' "$t" || { fail "a thread of $d is not shut in"; break; }; done
  done
}

suite_start
me=$(id -u)
look_at "as who started it" "$me" "$(id -g)"
if [ $sanitized = no ]; then grep -c ' sandbox calls=' "$SUITE/log" >"$SUITE/out"; equal "each says that it is shut in" "$(cat "$SUITE/out")" 3; fi

# mail of every kind, and then the modes of what there is
python3 - "$SUITE/big.txt" <<'P'
import sys
open(sys.argv[1], "w").write("Subject: large\r\n\r\n" + ("x" * 70 + "\r\n") * 20000)
P
message $U1 small >"$SUITE/m.txt"
for u in $U1 $U2; do
  check "small mail to $u" curl -sS "smtp://$HOST:$(port 25)" --mail-from x@remote.test --mail-rcpt $u -T "$SUITE/m.txt"
  check "large mail to $u" curl -sS "smtp://$HOST:$(port 25)" --mail-from x@remote.test --mail-rcpt $u -T "$SUITE/big.txt"
done
check "APPEND" curl -sS --cacert "$CA" "imaps://localhost:$(port 993)/INBOX" -u "$U1:$PW" -T "$SUITE/big.txt"
check "CREATE" curl -sS "imap://$HOST:$(port 143)/" -u "$U1:$PW" -X "CREATE Other"
check "COPY" curl -sS "imap://$HOST:$(port 143)/INBOX" -u "$U1:$PW" -X "COPY 1:2 Other"
check "SEARCH" curl -sS "imap://$HOST:$(port 143)/INBOX" -u "$U1:$PW" -X "SEARCH TEXT large"
check "mail out stays in the queue" curl -sS --cacert "$CA" "smtps://localhost:$(port 465)" -u "$U1:$PW" --mail-from $U1 --mail-rcpt y@elsewhere.test -T "$SUITE/m.txt"
check "POP3" curl -sS "pop3://$HOST:$(port 110)/1" -u "$U2:$PW"
# a session of one account has no name for another's mail
refuse "another's mail" curl -sS "imap://$HOST:$(port 143)/~$U2/INBOX" -u "$U1:$PW" -X "FETCH 1 BODY[]"
refuse "another's mail by path" curl -sS "imap://$HOST:$(port 143)/..%2F2%2FINBOX" -u "$U1:$PW" -X "FETCH 1 BODY[]"
refuse "another's mailbox as a user's" curl -sS "imap://$HOST:$(port 143)/Other%20Users%2F$U2" -u "$U1:$PW" -X "FETCH 1 BODY[]"
find "$SUITE/data" -type f ! -perm 600 -printf '%m %p\n' >"$SUITE/out"; find "$SUITE/data" -type d ! -perm 700 -printf '%m %p\n' >>"$SUITE/out"
n=$(find "$SUITE/data" | wc -l)
if [ -s "$SUITE/out" ]; then fail "all $n files of the store are their owner's alone"; head -10 "$SUITE/out"; else pass "all $n files of the store are their owner's alone"; fi
find "$SUITE/run" -mindepth 1 -not -type s \( -perm /o+rwx -o -perm /g+w \) -printf '%m %p\n' >"$SUITE/out"
if [ -s "$SUITE/out" ]; then fail "nor does anybody else write in the run directory"; head -10 "$SUITE/out"; else pass "nor does anybody else write in the run directory"; fi
equal "the key of TLS is its owner's alone" "$(stat -c %a "$SUITE/tls/server-key.pem")" 600

# a new certificate, beside the old one and renamed over it, as certbot's successors do
cp "$SUITE/tls/server.pem" "$SUITE/tls/new.pem"; mv "$SUITE/tls/new.pem" "$SUITE/tls/server.pem"; cp "$CONF" "$CONF.new"; mv "$CONF.new" "$CONF"
before=$(grep -c ' reloaded ' "$SUITE/log"); kill -HUP $SUITE_PID; sleep 1
equal "configuration and certificate are read anew" "$(($(grep -c ' reloaded ' "$SUITE/log") - before))" 3
check "TLS after that" curl -sS --cacert "$CA" "imaps://localhost:$(port 993)/" -u "$U1:$PW"

# charsets: tables that libc would have to load now
printf 'From: a@b.test\r\nSubject: =?koi8-r?B?8NLJ18XU?=\r\nContent-Type: text/plain; charset=iso-8859-2\r\n\r\n\xb1\xe6\xea\r\n' >"$SUITE/m.txt"
check "mail in other charsets" curl -sS "smtp://$HOST:$(port 25)" --mail-from x@remote.test --mail-rcpt $U1 -T "$SUITE/m.txt"
check "is searched" python3 - "$HERE" "$HOST" "$(port 143)" "$U1" "$PW" <<'P'
import sys; sys.path.insert(0, sys.argv[1])
import imaplib
c = imaplib.IMAP4(sys.argv[2], int(sys.argv[3])); c.login(sys.argv[4], sys.argv[5]); c.select("INBOX")
for key, text in (("SUBJECT", "привет"), ("BODY", "ąćę")):
    c.literal = text.encode()
    got = c.uid("SEARCH", "CHARSET", "UTF-8", key)[1]
    assert got and got[0].split(), (key, got)
P
suite_stop

# started with the ports by somebody else, as by systemd
cat >"$SUITE/activate.py" <<'P'
import os, socket, sys
conf, offset, program = sys.argv[1], int(sys.argv[2]), sys.argv[3]
socks = []
for family, address, port in ((socket.AF_INET, "127.0.0.1", 143), (socket.AF_INET6, "::", 993), (socket.AF_INET, "127.0.0.1", 1)):
    s = socket.socket(family, socket.SOCK_STREAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind((address, port + offset)); s.listen(10); socks.append(s)
fds = [os.dup(s.fileno()) for s in socks]
for i, fd in enumerate(fds): os.dup2(fd, 10 + i)
for i in range(3): os.dup2(10 + i, 3 + i, inheritable=True); os.close(10 + i)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="3", LISTEN_FDNAMES="imap:any:stray")
os.execv(program, [program, "-c", conf])
P
python3 "$SUITE/activate.py" "$CONF" "$OFFSET" "$PB_BUILD/imapd/imapd" 2>>"$SUITE/log2" &
pid=$!
for _ in $(seq 1 100); do grep -q ' ready ' "$SUITE/log2" 2>/dev/null && break; sleep 0.05; done
check "imap on a socket that it was given" curl -sS "imap://$HOST:$(port 143)/" -u "$U1:$PW"
check "imaps on one for both IPs" curl -sS --cacert "$CA" "imaps://localhost:$(port 993)/" -u "$U1:$PW"
grep -a ' peer=' "$SUITE/log2" | grep -q 'ffff:' && fail "an IPv4 client on it is one of IPv4" || pass "an IPv4 client on it is one of IPv4"
grep -q 'inherited .*name=stray' "$SUITE/log2" && pass "one that is nobody's is told of" || { fail "one that is nobody's is told of"; head -5 "$SUITE/log2"; }
# it takes connections on exactly those two (a listening socket in /proc/net/tcp has state 0A)
listening=0; for fd in /proc/$pid/fd/*; do i=$(readlink "$fd" | sed -n 's/socket:\[\(.*\)\]/\1/p'); [ -n "$i" ] && grep -qhE " 0A .* $i " /proc/net/tcp /proc/net/tcp6 && listening=$((listening + 1)); done
equal "and it opened no other port" $listening 2
kill -TERM $pid; wait $pid; equal "it ends well" $? 0

# the units: hardening, and that a daemon starts under their list of calls
if command -v systemd-analyze >/dev/null; then
  for d in smtpd pop3d imapd; do
    unit=$PB_BUILD/packaging/pillarbox-$d.service
    [ -f "$unit" ] || { fail "there is no $unit"; continue; }
    level=$(LC_ALL=C systemd-analyze security --offline=true "$unit" 2>/dev/null | sed -n 's/.*exposure level.*: \([0-9.]*\) .*/\1/p')
    awk -v l="${level:-9}" 'BEGIN { exit !(l < 2.0) }' && pass "exposure of $d's unit: $level" || fail "exposure of $d's unit: $level, not under 2.0"
    grep -q '^ProcSubset=pid' "$unit" && fail "$d's unit hides the boot's number from the store" || pass "$d's unit lets the store know of a boot"
    python3 "$HERE/under_unit.py" "$unit" "$PB_BUILD/$d/$d" -c "$CONF" >"$SUITE/unit" 2>&1 &
    pid=$!
    for _ in $(seq 1 100); do grep -qa ' ready ' "$SUITE/unit" && break; kill -0 $pid 2>/dev/null || break; sleep 0.05; done
    if grep -qa ' ready ' "$SUITE/unit"; then pass "$d starts under its unit's SystemCallFilter"; else fail "$d starts under its unit's SystemCallFilter"; head -5 "$SUITE/unit"; fi
    [ $sanitized = yes ] || equal "and drops what is left" "$(status $pid CapEff) $(status $pid NoNewPrivs)" "$NONE 1"
    kill -TERM $pid 2>/dev/null; wait $pid
  done
else
  echo "SKIPPED: no systemd-analyze"
fi
if [ "$me" = 0 ] && [ $sanitized = no ]; then
  # as another user, after root bound the ports
  D=$SUITE/mail
  check "init for another user" "$PILLARBOX" init --dir "$D" --domain $DOMAIN --listen $HOST --port-offset "$OFFSET" --user nobody
  CONF=$D/pillarbox.conf
  sed -i 's|^#*sandbox = .*|sandbox = "strict"|' "$CONF"
  suite_run
  look_at "root that became nobody" "$(id -u nobody)" "$(id -g nobody)"
  kill -HUP $SUITE_PID; sleep 1
  grep -qa reload_failed "$SUITE/log" && fail "reload as nobody" || pass "reload as nobody"
  equal "no process of it is root's" "$(ps -o user= --pid $SUITE_PID --ppid $SUITE_PID | sort -u | tr -d ' ')" nobody
  # who supervises may not bind the low ports any more, but has them: also for who is started again
  suite_stop
  sed -i 's|^port_offset = .*|port_offset = 0|; s|^#*listen = .*|listen = { "127.0.9.9" }|' "$CONF"
  grep -q '^listen = { "127.0.9.9" }' "$CONF" && grep -q '^port_offset = 0' "$CONF" || fail "low ports are configured"
  suite_run
  greets() { local line=; { read -r -t 5 line <&3; } 3<>"/dev/tcp/127.0.9.9/$1" && [ -n "$line" ]; } 2>/dev/null
  greets 143 && pass "nobody serves a low port" || fail "nobody serves a low port"
  kill -9 "$(daemon_pid imapd)"
  greets 143 && pass "and who connects while a daemon is started again is served" || fail "and who connects while a daemon is started again is served"
  # a service that is switched off has no open port, and who may not bind it any more opens it again
  refused() { ! (exec 3<>"/dev/tcp/127.0.9.9/$1") 2>/dev/null; }
  switch() { local before; before=$(grep -ac ' reloaded ' "$SUITE/log"); sed -i -E "s|^([[:space:]]*)#?imap = .*|\1imap = $1|" "$CONF"; kill -HUP $SUITE_PID
    for _ in $(seq 1 100); do [ $(($(grep -ac ' reloaded ' "$SUITE/log") - before)) = 3 ] && break; sleep 0.02; done; }
  switch no
  refused 143 && ! refused 993 && pass "switched off, a service has no open port" || fail "switched off, a service has no open port"
  kill -9 "$(daemon_pid imapd)"
  sleep 0.3; for _ in $(seq 1 100); do [ -n "$(daemon_pid imapd)" ] && break; sleep 0.02; done
  refused 143 && pass "nor has it when its daemon is started again" || fail "nor has it when its daemon is started again"
  switch yes
  greets 143 && pass "and it is served again at its low port when it is switched on" || fail "and it is served again at its low port when it is switched on"
  # a listener that the configuration has since then waits for a restart of all; the others are not lost to it
  sed -i 's|^\( *\)#*lmtp_port = .*|\1lmtp_port = 24|' "$CONF"
  kill -9 "$(daemon_pid smtpd)"
  greets 25 && pass "nor does a port that it may not bind keep a daemon from its others" || fail "nor does a port that it may not bind keep a daemon from its others"
  EXPECTED_LOG='daemon_died'
  suite_stop
  # what only root may read: root stays, as far as it must, and says so
  chown -R root "$D/tls"; chmod 700 "$D/tls"
  suite_run
  equal "with a key that is only root's, root starts the daemons" "$(status $SUITE_PID Uid | cut -d' ' -f1)" 0
  for d in smtpd pop3d imapd; do equal "which $d is not for long" "$(status "$(daemon_pid $d)" Uid | cut -d' ' -f1)" "$(id -u nobody)"; done
  grep -qa 'privileges kept=root' "$SUITE/log" && pass "and the log says why" || fail "and the log says why"
fi
finish
