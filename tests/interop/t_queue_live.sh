#!/bin/bash
# `pillarbox queue` on recipients that are just being delivered: what is under way is not broken off, and what comes of it
# is kept to what the person asked for. The other side answers each message after three seconds.
. "$(dirname "$0")/lib.sh"
suite_start first_window=1 max_window=1 retry_first=1s
suite_stop
printf 'transport "sink.test" {\n  host = "127.0.0.1"\n  port = %s\n  tls = "none"\n}\n' "$(port 26)" >>"$CONF"
touch "$SUITE/counted" "$SUITE/counted.begun"
python3 "$HERE/counting_sink.py" "$(port 26)" "$SUITE/counted" 3000 & SINK=$!
trap 'kill $SINK 2>/dev/null; suite_stop' EXIT
suite_run
Q=("$PILLARBOX" -c "$CONF" queue)
submit() { # SUBJECT...
  python3 - "$HOST" "$(port 587)" "$U1" "$PW" "$@" <<'P'
import smtplib, sys
host, port, user, password, *subjects = sys.argv[1:]
s = smtplib.SMTP(host, int(port))
s.login(user, password)
for subject in subjects:
    s.sendmail(user, ["x@sink.test"], f"From: <{user}>\r\nTo: <x@sink.test>\r\nSubject: {subject}\r\n\r\nHello.\r\n")
s.quit()
P
}
wait_for() { local i; for i in $(seq 1 200); do eval "$1" && return 0; sleep 0.1; done; return 1; }
in_hand() { wait_for "grep -q ' $1\$' '$SUITE/counted.begun'"; } # SUBJECT
times() { grep -c " $1\$" "$SUITE/counted${2:-}"; } # SUBJECT [.begun]
left() { "${Q[@]}" list --json | python3 -c 'import json, sys; print(" ".join(r["recipient"]["state"] + str(r["recipient"]["attempts"]) for r in json.load(sys.stdin)))'; }

submit p1 p2
in_hand p1
check "a domain is paused while a message to it is under way" "${Q[@]}" pause sink.test
wait_for '[ "$(times p1)" = 1 ]'
equal "that message arrives" "$(times p1)" 1
sleep 1
equal "the next one is not begun" "$(times p2 .begun)" 0
equal "and waits" "$(left)" waiting0
check "the domain is resumed" "${Q[@]}" resume sink.test
in_hand p2
check "an MX host is paused while a message is under way" "${Q[@]}" pause mx:127.0.0.1
wait_for '[ "$(times p2)" = 1 ] && [ -z "$(left)" ]'
equal "it arrives, too, once" "$(times p2)" 1
check "and the host resumed" "${Q[@]}" resume mx:127.0.0.1

submit h1 h2
in_hand h1
check "all is held while the first is under way" "${Q[@]}" hold --all
wait_for '[ "$(times h1)" = 1 ] && [ "$(left)" = held0 ]'
equal "the first arrives and is gone, the other is held" "$(times h1) $(left)" "1 held0"
sleep 1
equal "and not begun" "$(times h2 .begun)" 0
check "it is released" "${Q[@]}" release --all
wait_for '[ "$(times h2)" = 1 ] && [ -z "$(left)" ]'
equal "and arrives" "$(times h2)" 1

submit later1
in_hand later1
check "a message is held whose refusal is under way" "${Q[@]}" hold --all
wait_for '[ "$(left)" = held1 ]'
equal "it stays held when that comes, with its attempt" "$(left)" held1
sleep 2
equal "and is not tried again" "$(times later1 .begun)" 1
check "until somebody drops it" "${Q[@]}" drop --all

submit d1 d2
in_hand d1
check "all is dropped while the first is under way" "${Q[@]}" drop --all
equal "nothing is left at once" "$(left)" ""
wait_for '[ "$(times d1)" = 1 ]'
equal "what was under way arrives" "$(times d1)" 1
submit never1
in_hand never1
check "what is about to be refused is dropped" "${Q[@]}" drop --all
submit d3
wait_for '[ "$(times d3)" = 1 ] && [ -z "$(left)" ]'
equal "mail goes on" "$(times d3)" 1
equal "what waited was never begun" "$(times d2 .begun)" 0
equal "and nobody is told of what was dropped" "$(count $U1)" 0
submit f1
in_hand f1
check "what is under way is given up, with a report" "${Q[@]}" drop --report --all
wait_for '[ "$(times f1)" = 1 ] && [ -z "$(left)" ]'
equal "it arrives, and so there is no report" "$(times f1) $(count $U1)" "1 0"
equal "nothing was sent twice" "$(sort "$SUITE/counted" | awk '{print $2}' | uniq -d)" ""
finish
