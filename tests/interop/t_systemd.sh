#!/bin/bash
# The units under a real systemd: this system, with the suite installed into it, is booted in namespaces of its own (boot.sh), set up as README.md says,
# takes, hands out and relays mail, is reloaded, killed, restarted, and started by its sockets. Needs root, and a machine that lets it make namespaces and cgroups.
. "$(dirname "$0")/lib.sh"
skip() { echo "SKIPPED: $*"; echo "0 passed, 0 failed"; exit 0; }
[ "$(id -u)" = 0 ] || skip "a system is booted by root alone"
for p in unshare nsenter setpriv systemctl curl python3; do command -v $p >/dev/null || skip "$p is not installed"; done
[ -x /lib/systemd/systemd ] || skip "systemd is not installed"
case "$(nm -D "$PB_BUILD/imapd/imapd" 2>/dev/null)" in *__asan* | *__tsan*) skip "a build with sanitizers does not live within the units' limits" ;; esac
CGROUPS=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)
[ -n "$CGROUPS" ] || skip "there are no cgroups of version 2"
CGROUP=$CGROUPS/pillarbox-test.$$
mkdir "$CGROUP" 2>/dev/null || skip "no cgroup can be made"
SUITE=$(mktemp -d /tmp/pillarbox-interop.XXXXXX); chmod 755 "$SUITE"
INIT=
end_machine() {
  [ -z "$INIT" ] || kill -9 "$INIT" 2>/dev/null # all within end with it
  [ -z "$MACHINE" ] || { kill -9 "$MACHINE"; wait "$MACHINE"; } 2>/dev/null
  local _
  for _ in $(seq 1 50); do find "$CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null && break; sleep 0.1; done
}
trap end_machine EXIT
mkdir "$SUITE/installed" "$SUITE/machine"
MACHINE=
check "make install DESTDIR=" make -s -C "$PB_BUILD" install DESTDIR="$SUITE/installed"
case $(cd "$SUITE/installed" && find . -name pillarbox-imapd.service) in
./usr/local/lib/systemd/system/* | ./usr/lib/systemd/system/*) ;;
*) rm -rf "$SUITE" "$CGROUP"; rmdir "$CGROUP"; skip "with this --prefix systemd does not find the units" ;;
esac
(echo $BASHPID >"$CGROUP/cgroup.procs" && exec unshare --mount --pid --fork --kill-child --cgroup --net --uts --ipc "$HERE/boot.sh" "$SUITE/machine" "$SUITE/installed") >"$SUITE/booted" 2>&1 &
MACHINE=$!
inside() { nsenter -t "$INIT" --all -r -w -- "$@"; }
within() { local _; for _ in $(seq 1 "$1"); do "${@:2}" >/dev/null 2>&1 && return 0; sleep 0.1; done; return 1; } # within TENTHS COMMAND...: it succeeds by then
for _ in $(seq 1 300); do
  INIT=$(pgrep -P $MACHINE systemd)
  [ -n "$INIT" ] && inside systemctl is-system-running 2>/dev/null | grep -Eq 'running|degraded' && break
  kill -0 $MACHINE 2>/dev/null || { INIT=; break; }
  sleep 0.1
done
[ -n "$INIT" ] || { head -5 "$SUITE/booted"; end_machine; rm -rf "$SUITE"; skip "no system can be booted here"; }

property() { inside systemctl show -P "$2" "pillarbox-$1.service"; }
journal() { inside journalctl -q -o cat -u "pillarbox-$1.service"; }
send() { inside curl -sS "smtp://127.0.0.1:25" --mail-from x@remote.test --mail-rcpt $U1 -T "$1"; }
fetch() { inside curl -sSk "imaps://127.0.0.1/INBOX;MAILINDEX=$1" -u "$U1:$PW"; }

# As README.md has it.
check "systemd-sysusers" inside systemd-sysusers
check "systemd-tmpfiles" inside systemd-tmpfiles --create
check "pillarbox init" inside pillarbox init --domain $DOMAIN
for u in $U1 $U2; do check "account add $u" bash -c "echo $PW | nsenter -t $INIT --all -r -w -- pillarbox account add $u --password-stdin"; done
CONF=$(inside sh -c 'ls /etc/pillarbox/pillarbox.conf /usr/local/etc/pillarbox/pillarbox.conf 2>/dev/null | head -1')
inside sed -i 's|^#\?sandbox = .*|sandbox = "strict"|' "$CONF" # a call that is not on the list would end the daemon
inside sh -c "printf 'transport \"sink.test\" {\n  host = \"127.0.0.1\"\n  port = 2626\n  tls = \"none\"\n}\n' >>$CONF"
touch "$SUITE/counted"
inside python3 "$HERE/counting_sink.py" 2626 /tmp/counted &
SINK=$!
check "daemon-reload" inside systemctl daemon-reload
check "systemctl enable --now pillarbox.target" inside systemctl enable --now pillarbox.target
for d in smtpd pop3d imapd; do
  check "$d gets ready" within 100 inside systemctl is-active "pillarbox-$d.service"
  pid=$(property $d MainPID)
  equal "$d is pillarbox's, with no new privileges and no capability" "$(inside awk '/^(Uid|NoNewPrivs|CapEff|CapPrm|CapAmb)/ {print $2}' "/proc/$pid/status" | tr '\n' ' ')" \
    "$(inside id -u pillarbox) 0000000000000000 0000000000000000 0000000000000000 1 "
done
check "pillarbox status" inside pillarbox status

message $U1 "under systemd" >"$SUITE/small.txt"
{ message $U1 "a large one"; head -c 1000000 /dev/zero | tr '\0' 'y' | fold -w 70; } >"$SUITE/large.txt"
inside tee /tmp/small.txt <"$SUITE/small.txt" >"$SUITE/out"
inside tee /tmp/large.txt <"$SUITE/large.txt" >"$SUITE/out"
use() { # use COUNT: mail is taken, read by IMAP and POP3, searched, submitted and relayed; COUNT messages are there then
  check "mail is taken $3" send /tmp/small.txt
  check "it is read by IMAP" fetch "$1"
  has "as it was" '^Subject: under systemd'
  check "listed by POP3" inside curl -sSk "pop3s://127.0.0.1/" -u "$U1:$PW"
  has "with $1 messages" "^$1 "
  check "found by a search" inside curl -sSk "imaps://127.0.0.1/INBOX" -u "$U1:$PW" -X 'SEARCH TEXT "Hello there"'
  has "the new one too" "\\b$1\\b"
  check "mail for another server is taken" inside curl -sSk "smtp://127.0.0.1:587" --ssl-reqd -u "$U1:$PW" --mail-from $U1 --mail-rcpt b@sink.test -T /tmp/small.txt
  check "and arrives there" within 50 inside sh -c "[ \$(wc -l </tmp/counted) -ge $2 ]"
}
use 1 1 "by a daemon that the unit started"
check "a large message is taken" send /tmp/large.txt
check "and read" fetch 2
has "as it was" '^y{70}'
check "check finds everything sound" inside pillarbox check

pids() { local d; for d in smtpd pop3d imapd; do property $d MainPID; done | tr '\n' ' '; }
before=$(pids)
check "systemctl reload" inside systemctl reload 'pillarbox-*.service'
for d in smtpd pop3d imapd; do check "$d says that it has" within 30 bash -c "nsenter -t $INIT --all -r -w -- journalctl -q -o cat -u pillarbox-$d.service | grep -q ' reloaded '"; done
equal "by the same processes" "$(pids)" "$before"

while read -r d port kills; do
  for n in $(seq 1 "$kills"); do
    began=$(date +%s%N)
    inside kill -9 "$(property $d MainPID)"
    within 50 inside bash -c "until read -r -t 5 line 2>/dev/null <>/dev/tcp/127.0.0.1/$port; do sleep 0.02; done" || fail "$d does not come back"
    took=$((($(date +%s%N) - began) / 1000000))
    [ "$n" -gt 1 ] || [ $took -lt 3000 ] || fail "$d served again after $took ms"
  done
  equal "$d was killed $kills times in a row, and systemd has it serve each time (last after $took ms)" "$(property $d NRestarts)" "$kills"
done <<X
smtpd 25 1
pop3d 110 1
imapd 143 6
X
check "systemctl restart" inside systemctl restart 'pillarbox-*.service'
use 3 2 "after that"
check "the journal tells of the mail" bash -c "nsenter -t $INIT --all -r -w -- journalctl -q -o cat -u pillarbox-smtpd.service | grep -q ' accept .*$U1'"
check "systemctl stop pillarbox.target" inside systemctl stop pillarbox.target
ends_well() { # each daemon has time for what it does
  local d
  for d in smtpd pop3d imapd; do
    within 300 bash -c "nsenter -t $INIT --all -r -w -- systemctl show -P ActiveState pillarbox-$d.service | grep -q inactive"
    equal "$d ends well" "$(property $d ActiveState) $(property $d Result)" "inactive success"
  done
}
ends_well

# systemd binds the ports: the daemons need no capability at any time.
for d in smtpd pop3d imapd; do
  inside sh -c "mkdir -p /etc/systemd/system/pillarbox-$d.service.d && printf '[Service]\nAmbientCapabilities=\nCapabilityBoundingSet=\n' >/etc/systemd/system/pillarbox-$d.service.d/none.conf"
done
inside systemctl daemon-reload
check "the sockets are started" inside systemctl start pillarbox-smtpd.socket pillarbox-pop3d.socket pillarbox-imapd.socket
equal "no daemon runs yet" "$(pids)" "0 0 0 "
use 4 3 "by a daemon that its socket started"
pid=$(property imapd MainPID)
equal "imapd can't ever have a capability" "$(inside awk '/^CapBnd/ {print $2}' "/proc/$pid/status")" 0000000000000000
inside kill -9 "$pid"
check "while it is dead who comes waits, and is served" fetch 4
check "systemctl stop" inside systemctl stop 'pillarbox-*.socket' 'pillarbox-*.service'
ends_well
equal "nothing of ours has failed" "$(inside systemctl list-units --failed --plain --no-legend 'pillarbox*')" ""
inside journalctl -q -o cat -u 'pillarbox-*' >"$SUITE/log"
check "check finds everything sound" inside pillarbox check
kill $SINK 2>/dev/null
end_machine
finish
