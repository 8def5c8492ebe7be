#!/bin/bash
# A damaged queue.db: one line in the log says what to do, submission is put off with 451, all other mail goes on, nothing
# spins; and it can be mended or replaced as smtpd(8) says.
. "$(dirname "$0")/lib.sh"
EXPECTED_LOG='CORRUPT'
suite_start first_window=1 max_window=1 retry_first=1s
suite_stop
printf 'transport "sink.test" {\n  host = "127.0.0.1"\n  port = %s\n  tls = "none"\n}\n' "$(port 26)" >>"$CONF"
touch "$SUITE/counted"
python3 "$HERE/counting_sink.py" "$(port 26)" "$SUITE/counted" & SINK=$!
trap 'kill $SINK 2>/dev/null; suite_stop' EXIT
sending() { sed -i -E "s|^(\s*)#?enabled = .*|\1enabled = $1|" "$CONF"; }
submit() { python3 "$HERE/submit_many.py" "$HOST" "$(port 587)" "$U1" "$PW" "$@"; } # TO FIRST COUNT [CONNECTIONS]
wait_for() { local i; for i in $(seq 1 100); do eval "$1" && return 0; sleep 0.1; done; return 1; }
ticks() { awk '{print $14 + $15}' "/proc/$(daemon_pid smtpd)/stat"; }
arrived() { awk '{print $2}' "$SUITE/counted" | sort -u | wc -l; }
# spoil PAGES: these pages of queue.db (a number, or the name of a table) are overwritten
spoil() {
  python3 - "$SUITE/data/queue.db" "$1" <<'P'
import sqlite3, sys
path, which = sys.argv[1:]
db = sqlite3.connect(path)
db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
pages = [1] if which == "1" else []
if not pages:
    pages = [db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (which,)).fetchone()[0]]
db.close()
with open(path, "r+b") as f:
    for p in pages:
        f.seek((p - 1) * 4096)
        f.write(b"\xa5" * 4096)
P
  rm -f "$SUITE/data/queue.db-wal" "$SUITE/data/queue.db-shm"
}
goes_on() { # WHAT
  local before
  before=$(count $U2)
  refuse "$1: submission for elsewhere is not taken" submit x@sink.test 900 1 1
  has "$1: with 451" "b'451 4.3.0"
  check "$1: mail for this server is" submit $U2 901 1 1
  wait_for "[ \"\$(count $U2)\" = $((before + 1)) ]"
  equal "$1: and arrives" "$(count $U2)" $((before + 1))
  local used
  used=$(ticks); sleep 2; used=$(($(ticks) - used))
  if [ "$used" -lt 20 ]; then pass "$1: nothing spins ($used ticks in 2 s)"; else fail "$1: $used ticks in 2 s"; fi
  equal "$1: the log says once what to do" "$(grep -c ' queue_damaged .*advice=.*smtpd(8)' "$SUITE/log")" 1
  if [ "$(grep -c 'err=CORRUPT' "$SUITE/log")" -lt 60 ]; then pass "$1: and does not overflow"; else fail "$1: $(grep -c 'err=CORRUPT' "$SUITE/log") lines in the log"; fi
}

sending no
suite_run
check "messages are queued" submit x@sink.test 0 40
suite_stop
cp -a "$SUITE/data" "$SUITE/good"

# all messages' rows: recipients are there, what they are to get can't be read
sending yes
spoil message
: >"$SUITE/log"
suite_run
goes_on "without messages"
equal "without messages: nothing is sent" "$(arrived)" 0
refuse "without messages: check says so" "$PILLARBOX" -c "$CONF" check
suite_stop

# the file is none
rm -rf "$SUITE/data"; cp -a "$SUITE/good" "$SUITE/data"
spoil 1
: >"$SUITE/log"
suite_run
goes_on "without a file"
suite_stop

# an empty queue is begun where it was
mkdir "$SUITE/damaged"; mv "$SUITE"/data/queue.db* "$SUITE/damaged/"
: >"$SUITE/log"
suite_run
check "a new queue takes mail" submit x@sink.test 50 5
wait_for '[ "$(arrived)" = 5 ]'
equal "and sends it" "$(arrived)" 5
suite_stop
if command -v sqlite3 >/dev/null; then
  rm -rf "$SUITE/data"; cp -a "$SUITE/good" "$SUITE/data"
  spoil sent
  mkdir "$SUITE/damaged2"; mv "$SUITE"/data/queue.db* "$SUITE/damaged2/"
  (
    sqlite3 "$SUITE/damaged2/queue.db" .dump | sed 's/^ROLLBACK;.*/COMMIT;/'
    echo "PRAGMA user_version = $(sqlite3 "$SUITE/damaged2/queue.db" 'PRAGMA user_version');"
    echo "PRAGMA journal_mode = wal;"
  ) | sqlite3 "$SUITE/data/queue.db" >/dev/null 2>&1
  [ "$(id -u)" = 0 ] && chown --reference="$SUITE/damaged2/queue.db" "$SUITE/data/queue.db"
  check "what was recovered is sound" "$PILLARBOX" -c "$CONF" check
  suite_run
  wait_for '[ "$(arrived)" = 45 ]'
  equal "and is sent" "$(arrived)" 45
fi
finish
