#!/bin/sh
# A mail server to play with: a directory of its own, two accounts, ports from 10000, gone after Ctrl-C.
# usage: play.sh PILLARBOX   ($PLAY_OFFSET and $PLAY_DIR choose other ports and a directory that stays)
set -eu
pillarbox=$1
offset=${PLAY_OFFSET:-10000}
if [ -n "${PLAY_DIR:-}" ]; then
	dir=$PLAY_DIR
else
	dir=$(mktemp -d -t pillarbox-play.XXXXXX)
	trap 'rm -rf "$dir"' EXIT
fi
if [ ! -e "$dir/pillarbox.conf" ]; then
	"$pillarbox" init --dir "$dir" --domain example.test --listen 127.0.0.1 --port-offset "$offset" >/dev/null
	for name in u1 u2; do
		echo secret | "$pillarbox" -c "$dir/pillarbox.conf" account add $name@example.test --password-stdin
	done
fi
echo "u1@example.test and u2@example.test, password: secret, below $dir"
echo "smtp $((offset + 25)), submission $((offset + 587)), submissions $((offset + 465)), pop3 $((offset + 110)), pop3s $((offset + 995)), imap $((offset + 143)), imaps $((offset + 993))"
trap : INT TERM # the suite ends by itself; then this script clears up
"$pillarbox" -c "$dir/pillarbox.conf" run
