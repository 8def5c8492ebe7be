#!/bin/bash
# An alias of a mailbox with room, a full one and one that the sender owns: who has room has the message at once and once,
# whether another server brought it or a user submitted it, over retries and kills of smtpd; the full one has it once there is room.
. "$(dirname "$0")/lib.sh"
EXPECTED_LOG='daemon_died daemon=smtpd'
suite_start retry_first=1s delay_notice=0
ctl() { "$PILLARBOX" -c "$CONF" "$@"; }
TEAM=team@$DOMAIN FULL=full@$DOMAIN
echo "$PW" | ctl account add $FULL --password-stdin --quota 100 >>"$SUITE/log" 2>&1
check "an alias of three" ctl alias add $TEAM $U1 $FULL $U2
check "another of the first two" ctl alias add all@$DOMAIN $TEAM $U1
# holds WHAT U1 FULL U2: the numbers of messages, within ten seconds
holds() {
  local i got
  for i in $(seq 100); do
    got="$(count $U1) $(count $FULL) $(count $U2)"
    [ "$got" = "$2 $3 $4" ] && break
    sleep 0.1
  done
  equal "$1" "$got" "$2 $3 $4"
}
# send.py HOST PORT USER PASSWORD FILE RCPT...: the code of the last reply; without a user as another server does
cat >"$SUITE/send.py" <<'P'
import smtplib, ssl, sys
host, port, user, password, file, *to = sys.argv[1:]
if user:
    s = smtplib.SMTP_SSL(host, int(port), context=ssl._create_unverified_context())
    s.login(user, password)
else:
    s = smtplib.SMTP(host, int(port))
s.ehlo("client.test")
s.mail(user or "x@other.test")
for a in to:
    code = s.rcpt(a)[0]
    if code != 250:
        sys.exit(print("rcpt", code))
print(s.data(open(file, "rb").read())[0])
s.quit()
P
outside() { python3 "$SUITE/send.py" $HOST "$(port 25)" "" "" "$@"; }
submit() { python3 "$SUITE/send.py" $HOST "$(port 465)" $U2 "$PW" "$@"; }

# from another server
message $TEAM first >"$SUITE/first"
equal "what is beyond the quota of a mailbox alone is refused" "$(outside "$SUITE/first" $FULL)" 452
for i in 1 2 3; do equal "the alias is taken, and the server told to come back ($i)" "$(outside "$SUITE/first" $TEAM)" 452; done
holds "those with room have it, once" 1 0 1
check "room is made" ctl account quota $FULL none
equal "then it is taken" "$(outside "$SUITE/first" $TEAM)" 250
holds "and the third has it, too" 1 1 1

# by submission, to names that lead to the same mailboxes
check "it is full again" ctl account quota $FULL 100
sleep 10.5 # so long smtpd trusts that it saw plenty of room (store/quota.c)
message $TEAM second >"$SUITE/second"
equal "submission is answered with 250" "$(submit "$SUITE/second" $TEAM all@$DOMAIN)" 250
holds "those with room have it, once" 2 1 2
for i in 1 2 3; do
  pid=$(daemon_pid smtpd)
  kill -KILL "$pid"
  for _ in $(seq 100); do [ -n "$(daemon_pid smtpd)" ] && [ "$(daemon_pid smtpd)" != "$pid" ] && break; sleep 0.1; done
  sleep 0.5
done
ctl queue retry --all >>"$SUITE/log" 2>&1
sleep 1
holds "after kills and retries still once" 2 1 2
ctl queue list >"$SUITE/out" 2>&1
has "the queue says what is amiss" 'Not delivered to all behind this address: The mailbox is full'
check "room is made again" ctl account quota $FULL none
ctl queue retry --all >>"$SUITE/log" 2>&1
for _ in $(seq 100); do ctl queue list >"$SUITE/out" 2>&1; grep -q '^0 messages' "$SUITE/out" && break; sleep 0.1; done
has "the queue drains" '^0 messages'
holds "and each has one copy" 2 2 2
check "pillarbox check finds it sound" ctl check
finish
