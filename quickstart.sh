#!/bin/bash
# From a fresh checkout to a running mail server on this machine: installs what is missing (Debian), builds, makes a
# server with two accounts, sends a mail through it and reads it back, and goes on serving until Ctrl-C.
set -euo pipefail
cd "$(dirname "$0")"
source_dir=$PWD
. packaging/debian.sh

usage() {
	cat <<'X'
usage: ./quickstart.sh [options]
  --dir DIR          where the mail server is made, and kept (build-quickstart/suite)
  --domain DOMAIN    the domain it receives mail for (example.test)
  --listen ADDRESS   the address it listens on (127.0.0.1: this machine only)
  --port-offset N    added to every port (10000: IMAP is 10143), so that no root is needed
  --once             stop after the demonstration
  -h, --help         this text
X
}
dir=$source_dir/build-quickstart/suite domain=example.test listen=127.0.0.1 offset=10000 once=no
while [ $# -gt 0 ]; do
	case $1 in
	--dir | --domain | --listen | --port-offset)
		[ $# -ge 2 ] || { echo "quickstart.sh: $1 needs a value" >&2; usage >&2; exit 2; }
		case $1 in --dir) dir=$2 ;; --domain) domain=$2 ;; --listen) listen=$2 ;; *) offset=$2 ;; esac
		shift ;;
	--once) once=yes ;;
	-h | --help) usage; exit 0 ;;
	*) echo "quickstart.sh: there is no option $1" >&2; usage >&2; exit 2 ;;
	esac
	shift
done
# a suite's sockets need a short path (the system allows 107 octets)
if [ "$dir" = "$source_dir/build-quickstart/suite" ] && [ ${#dir} -gt 75 ]; then dir=/tmp/pillarbox-quickstart-$(id -u); fi
started=$SECONDS
step() { printf '\n== %s  (%d s)\n' "$*" $((SECONDS - started)); }
die() { echo "quickstart.sh: $*" >&2; exit 1; }
case $offset in '' | *[!0-9]*) die "--port-offset $offset: expected a number" ;; esac

step "what it needs"
# shellcheck disable=SC2086
install_missing $BUILD_PACKAGES swaks libnet-ssleay-perl curl ca-certificates
echo "   all there"

step "building in build-quickstart/ (the log is build-quickstart/build.log)"
mkdir -p build-quickstart
log=$source_dir/build-quickstart/build.log
: >"$log"
make_configure "$log" || { tail -20 "$log"; die "autoreconf failed"; }
cd build-quickstart
[ config.status -nt ../configure ] || ../configure -q >>"$log" 2>&1 || { tail -20 "$log"; die "configure failed"; }
make -j"$(nproc)" 2>&1 | tee -a "$log" | show_steps || { tail -20 "$log"; die "the build failed"; }
pillarbox=$PWD/ctl/pillarbox

step "a mail server for $domain in $dir"
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
conf=$dir/pillarbox.conf
settings=$dir/quickstart.settings
u1=u1@$domain u2=u2@$domain
if [ -e "$conf" ]; then
	[ -r "$settings" ] || die "$conf was not made by this script: choose another --dir"
	# it was made before: it keeps its domain, address and ports
	# shellcheck disable=SC1090
	. "$settings"
	echo "   it is there already, and serves $domain on $listen with port offset $offset"
	u1=u1@$domain u2=u2@$domain
else
	"$pillarbox" init --dir "$dir" --domain "$domain" --listen "$listen" --port-offset "$offset"
	for user in "$u1" "$u2"; do
		password=$(head -c 15 /dev/urandom | base64 | tr '+/' '-_')
		printf '%s\n' "$password" | "$pillarbox" -c "$conf" account add "$user" --password-stdin
		case $user in "$u1") p1=$password ;; *) p2=$password ;; esac
	done
	(umask 077 && printf 'domain=%q\nlisten=%q\noffset=%q\np1=%q\np2=%q\n' "$domain" "$listen" "$offset" "$p1" "$p2" >"$settings")
	echo "   accounts: $u1 and $u2"
fi
# what a client on this machine connects to
host=$listen
case $listen in 0.0.0.0) host=127.0.0.1 ;; ::) host=::1 ;; esac
port() { echo $(($1 + offset)); }

step "starting it (the log is $dir/run.log)"
work=$(mktemp -d)
"$pillarbox" -c "$conf" run >"$dir/ready" 2>"$dir/run.log" &
suite=$!
stop() {
	trap - EXIT
	trap '' INT TERM
	rm -rf "$work"
	kill -TERM $suite 2>/dev/null || true
	wait $suite 2>/dev/null || true
}
trap stop EXIT
trap 'echo; echo "stopping"; stop; exit 0' INT TERM
for ((i = 0; ; i++)); do
	grep -qx ready "$dir/ready" && break
	kill -0 $suite 2>/dev/null || { tail -20 "$dir/run.log"; die "it did not start"; }
	[ $i -lt 600 ] || { tail -20 "$dir/run.log"; die "it is not ready after a minute"; }
	sleep 0.1
done
"$pillarbox" -c "$conf" status

step "sending a mail with an attachment: swaks, submission with STARTTLS and AUTH as $u1"
name=mail.$domain
printf 'month,messages\nJanuary,1234\nFebruary,2345\n' >"$work/numbers.csv"
subject="Hello from Pillarbox $(date +%s)"
swaks --server "$host" --port "$(port 587)" --tls --tls-verify --tls-ca-path "$dir/tls/ca.pem" --tls-sni "$name" \
	--auth PLAIN --auth-user "$u1" --auth-password "$p1" --helo "client.$domain" --from "$u1" --to "$u2" \
	--header "Subject: $subject" --body "Hello,

this text and the table beside it came in by SMTP.
" --attach-type text/csv --attach-name numbers.csv --attach "@$work/numbers.csv" --hide-informational \
	>"$work/swaks" 2>&1 || { tail -30 "$work/swaks"; die "the mail was not accepted"; }
grep -vE 'AUTH PLAIN|^ *~?> [^.]' "$work/swaks" | grep -E '^ *<[-~* ]' | tail -8

resolve="$name:$(port 995):$host"
client() { curl -sS --max-time 30 --cacert "$dir/tls/ca.pem" --resolve "$resolve" --user "$u2:$p2" "$@"; }
step "reading it back as $u2 by POP3 with TLS: curl"
pop=pop3s://$name:$(port 995)
n=$(client "$pop/" | tr -d '\r' | awk 'NF == 2 { n = $1 } END { print n + 0 }')
client "$pop/$n" | tr -d '\r' >"$work/pop3" || die "POP3 did not give the mail"
sed 's/^/   /' "$work/pop3"
grep -qF "Subject: $subject" "$work/pop3" || die "POP3 gave another mail"

step "and by IMAP with TLS: curl"
resolve="$name:$(port 993):$host"
imap=imaps://$name:$(port 993)
client "$imap/" | tr -d '\r' | sed 's/^/   /'
client "$imap/INBOX" -X "FETCH $n (FLAGS ENVELOPE BODYSTRUCTURE)" | tr -d '\r' | sed 's/^/   /'
client "$imap/INBOX;MAILINDEX=$n;SECTION=2" | tr -d '\r' | base64 -di >"$work/attachment"
cmp "$work/numbers.csv" "$work/attachment" || die "the attachment came back changed"
echo "   the attachment is the same, octet for octet"

step "it works; in Thunderbird"
cat <<X
   First trust its certificate authority: Settings, Privacy & Security, Certificates, Manage Certificates,
   Authorities, Import:   $dir/tls/ca.pem   ("Trust this CA to identify websites").

   Then Account Settings, Account Actions, Add Mail Account:
     Your full name       anything
     Email address        $u1                          (or $u2)
     Password             $p1     ($u2: $p2)
   and Configure manually:
     Incoming server      IMAP
       Hostname           $host
       Port               $(port 993)          Connection security   SSL/TLS
       Authentication     Normal password
       Username           $u1
     Outgoing server      SMTP
       Hostname           $host
       Port               $(port 465)          Connection security   SSL/TLS
       Authentication     Normal password
       Username           $u1
   With POP3 instead of IMAP: port $(port 995), SSL/TLS.
   (STARTTLS: IMAP $(port 143), POP3 $(port 110), SMTP $(port 587).)

   More accounts:   $pillarbox -c $conf account add NAME@$domain
X
if [ $once = yes ]; then
	step "stopping (--once)"
	exit 0
fi
step "serving until Ctrl-C"
wait $suite || true
tail -5 "$dir/run.log"
die "it ended by itself"
