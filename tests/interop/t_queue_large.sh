#!/bin/bash
# alone
# Many queued messages: smtpd starts with them in under two seconds and takes less than 100 MB, also while all are due and
# nobody answers; listing them takes under a second. QUEUE_MESSAGES=100000 for what is promised, fewer by default.
. "$(dirname "$0")/lib.sh"
N=${QUEUE_MESSAGES:-20000}
suite_start per_hour=0 per_day=0 new_per_day=0
suite_stop
printf 'transport "*" {\n  host = "127.0.0.1"\n  port = %s\n  tls = "none"\n}\n' "$(port 26)" >>"$CONF" # where nobody is
sed -i -E 's|^(\s*)#?enabled = .*|\1enabled = no|' "$CONF"
suite_run
check "a message is queued" python3 "$HERE/submit_many.py" "$HOST" "$(port 587)" "$U1" "$PW" "x@d0.test" 0 1 1
suite_stop
# the others are copies of it, to a thousand domains
python3 - "$SUITE/data/queue.db" "$N" <<'P'
import sqlite3, sys
db, n = sqlite3.connect(sys.argv[1]), int(sys.argv[2])
def copy(table, key, changes, make):
    columns = [r[1] for r in db.execute(f"PRAGMA table_info({table})")]
    picked = ", ".join(changes.get(c, c) for c in columns)
    with db:
        for i in range(1, n):
            db.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {picked} FROM {table} WHERE {key} = ?2", make(i))
first = db.execute("SELECT min(id) FROM message").fetchone()[0]
copy("message", "id", {"id": "?1"}, lambda i: (first + i, first))
copy("octets", "message", {"message": "?1"}, lambda i: (first + i, first))
copy("rcpt", "id", {"id": "?1", "domain": "?3", "address": "'x@' || ?3"}, lambda i: ((first + i) << 20, first << 20, f"d{i % 1000}.test"))
P
equal "the queue holds $N messages" "$(sqlite3 "$SUITE/data/queue.db" 'SELECT count(*) FROM rcpt' 2>/dev/null || python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM rcpt").fetchone()[0])' "$SUITE/data/queue.db")" "$N"
measure() { local from; from=$(date +%s%3N); "$@" >"$SUITE/out" 2>&1; TOOK=$(($(date +%s%3N) - from)); } # in ms; no subshell: suite_run sets SUITE_PID
under() { if [ "$2" -lt "$3" ]; then pass "$1: $2 < $3"; else fail "$1: $2, wanted less than $3"; fi; } # WHAT GOT LIMIT
memory() { awk '/^VmRSS/ {print int($2 / 1024)}' "/proc/$(daemon_pid smtpd)/status"; } # MB
measure suite_run; under "start in ms, nothing sent" $TOOK 2000
under "memory at rest in MB" "$(memory)" 100
measure "$PILLARBOX" -c "$CONF" queue list --json; under "listing all in ms" $TOOK 1000
equal "all are listed" "$(python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))))' "$SUITE/out")" "$N"
measure "$PILLARBOX" -c "$CONF" queue list --domain d7.test; under "listing one domain in ms" $TOOK 1000
suite_stop
sed -i -E 's|^(\s*)#?enabled = .*|\1enabled = yes|' "$CONF"
measure suite_run; under "start in ms, all due" $TOOK 2000
most=0
for _ in $(seq 1 30); do now=$(memory); [ "$now" -gt $most ] && most=$now; sleep 0.1; done
under "memory while all are due in MB" "$most" 100
check "mail for this server is taken meanwhile" python3 "$HERE/submit_many.py" "$HOST" "$(port 587)" "$U1" "$PW" "$U2" 0 20 2
finish
