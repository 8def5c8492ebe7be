#!/bin/bash
# mutt and neomutt in a terminal: read, flag, move, delete, write
. "$(dirname "$0")/lib.sh"
need tmux swaks
suite_start
T="tmux -L pbmutt$$ -f /dev/null"
screen() { $T capture-pane -p -t m 2>/dev/null; }
# wait_for PATTERN: until the screen shows it
wait_for() { local i; for i in $(seq 1 80); do screen | grep -Eq -- "$1" && return 0; sleep 0.1; done; screen | sed 's/^/     | /'; return 1; }
keys() { $T send-keys -t m "$@"; }
sees() { if wait_for "$2"; then pass "$1"; else fail "$1"; fi; }
for program in mutt neomutt; do
  command -v $program >/dev/null || { fail "$program is not installed"; continue; }
  [ $program = mutt ] && user=$U1 || user=$U2
  for i in 1 2 3; do message $user "Brief $i" "Inhalt $i" >"$SUITE/m"; swaks --server $HOST --port "$(port 25)" --helo c.test --from x@remote.test --to $user --data "$SUITE/m" >/dev/null 2>&1; done
  for f in Sent Drafts Archive Trash; do python3 "$HERE/imapwire.py" create $HOST "$(port 143)" $user "$PW" $f >/dev/null 2>&1; done
  mkdir -p "$SUITE/$program"
  cat >"$SUITE/$program/rc" <<X
set folder="imaps://localhost:$(port 993)/"
set spoolfile="imaps://localhost:$(port 993)/INBOX"
set imap_user="$user" imap_pass="$PW"
set smtp_url="smtps://$user@localhost:$(port 465)/" smtp_pass="$PW"
set ssl_force_tls=yes ssl_verify_host=yes certificate_file="$CA"
set from="$user" realname="Ann" record="=Sent" postponed="=Drafts" trash="=Trash"
set edit_headers=no editor=true autoedit=yes confirmappend=no delete=yes quit=yes mail_check=1 sleep_time=0 fast_reply=yes include=no move=no
set timeout=1 imap_idle=yes sendmail_wait=0 abort_unmodified=no abort_nosubject=no assumed_charset=utf-8
X
  $T new-session -d -s m -x 110 -y 30 "env HOME=$SUITE/$program TERM=screen LANG=C.UTF-8 $program -n -F $SUITE/$program/rc 2>$SUITE/$program/err"
  sees "$program: shows the folder" 'Brief 3'
  keys 1 Enter; keys Enter; sees "$program: opens a message" 'Inhalt 1'
  keys q; sleep 0.3
  keys F; sleep 0.2; keys '$'; sleep 0.8
  message $user "Brief 4" "Inhalt 4" >"$SUITE/m"; swaks --server $HOST --port "$(port 25)" --helo c.test --from x@remote.test --to $user --data "$SUITE/m" >/dev/null 2>&1
  sees "$program: new mail appears by itself" 'Brief 4'
  keys 2 Enter; sleep 0.2; keys s; wait_for 'Save' >/dev/null; keys C-u; keys -l '=Archive'; keys Enter; sleep 0.8; keys '$'; sleep 1
  keys 1 Enter; sleep 0.2; keys d; sleep 0.2; keys '$'; sleep 1
  keys m; wait_for 'To:' >/dev/null; keys -l "$U1"; keys Enter; wait_for 'Subject:' >/dev/null; keys -l "Antwort $program"; keys Enter
  sees "$program: composes" 'y:Send'
  keys y; sleep 1.5
  sees "$program: the mail is sent" 'Mail sent|sent|Brief'
  keys q; sleep 0.7; keys q; sleep 0.3
  [ -s "$SUITE/$program/err" ] && sed "s/^/     # /" "$SUITE/$program/err"
  $T kill-server 2>/dev/null
  equal "$program: INBOX" "$(count $user)" "$([ $program = mutt ] && echo 3 || echo 2)"
  equal "$program: saved into Archive" "$(count $user Archive)" 1
  equal "$program: deleted into Trash" "$(count $user Trash)" 1
  equal "$program: a copy in Sent" "$(count $user Sent)" 1
done
equal "both mails arrived at u1" "$(count $U1)" 4
finish
