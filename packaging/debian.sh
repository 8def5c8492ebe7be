# shellcheck shell=bash disable=SC2034
# packaging/debian.sh - sourced by quickstart.sh and check.sh: installs Debian packages that are missing, and only those.

# What building needs; configure names the libraries too.
BUILD_PACKAGES="autoconf automake gcc libc6-dev make pkg-config libssl-dev libsqlite3-dev libconfuse-dev libgsasl-dev zlib1g-dev libjansson-dev libargon2-dev libutf8proc-dev libidn2-dev libunbound-dev libseccomp-dev dns-root-data check"

# What ./check.sh needs beyond that: a second compiler, the linters, and the mail programs of tests/interop.
CHECK_PACKAGES="clang libclang-rt-dev clang-format clang-tidy cppcheck groff-base python3 procps"
INTEROP_PACKAGES="swaks gsasl libnet-ssleay-perl libmail-imapclient-perl libio-socket-ssl-perl curl msmtp fetchmail getmail6 isync offlineimap3 mutt neomutt tmux python3 python3-jwt procps iproute2 strace openssl libsasl2-modules ca-certificates nsd pdns-recursor ldnsutils python3-dkim python3-nacl python3-authres opendkim opendkim-tools systemd"

is_installed() { # PACKAGE
	# some packages are virtual by now: their program tells
	case $1 in
	pkg-config | gcc | make | autoconf | automake | clang | curl | npm) command -v "$1" >/dev/null && return 0 ;;
	esac
	dpkg-query -W -f '${Status}\n' "$1" 2>/dev/null | grep -q '^install ok installed$'
}

# install_missing PACKAGE...: as root or through sudo. Fails with the command to run when neither is possible.
install_missing() {
	local missing="" package
	for package in "$@"; do is_installed "$package" || missing="$missing $package"; done
	[ -n "$missing" ] || return 0
	local root=""
	if [ "$(id -u)" != 0 ]; then
		root=sudo
		if ! command -v sudo >/dev/null; then
			echo "These Debian packages are missing; as root run:  apt-get install$missing" >&2
			return 1
		fi
	fi
	echo "== installing:$missing"
	local log
	log=$(mktemp)
	# shellcheck disable=SC2086  # words are what is meant
	if ! $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >"$log" 2>&1; then
		# a fresh system has no lists yet, an old one outdated ones
		if ! { $root apt-get update -q && $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing; } >"$log" 2>&1; then
			tail -20 "$log" >&2
			echo "apt-get could not install:$missing" >&2
			rm -f "$log"
			return 1
		fi
	fi
	rm -f "$log"
}

# show_steps: one line for every 25 lines that come in, so that one sees it going on
show_steps() { awk -v every=25 '{ n++ } n % every == 0 { printf "   %d steps\n", n; fflush() } END { printf "   %d steps, done\n", n }'; }

# make_configure LOG: runs autoreconf where configure is missing or older than what it is made from
make_configure() {
	local file fresh=no
	[ ! -x configure ] || fresh=yes
	for file in configure.ac m4/*.m4 Makefile.am */local.mk */*/local.mk; do
		[ ! "$file" -nt Makefile.in ] || fresh=no
	done
	[ $fresh = yes ] || autoreconf -fi >>"$1" 2>&1
}
