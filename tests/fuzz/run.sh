#!/bin/sh
# run.sh SRCDIR - runs the fuzz targets of the build in this folder, each FUZZ_SECONDS, or FUZZ_RUNS
# times; FUZZ="index words" picks some. What is found goes to fuzz-<target>-…, new inputs to
# fuzz-corpus/<target>. Fails where something crashed or leaked, where one input takes over a second
# (again, by itself: others may have had the processor) or where a target takes over 256 MB.
src=$1
slow_ms=1000
memory_mb=256
: "${ASAN_OPTIONS:=detect_leaks=1:quarantine_size_mb=16}"
export ASAN_OPTIONS
failed=0

# What the program measures for that input alone, in ms.
alone_ms() {
	"$1" -timeout=60 "$2" 2>&1 | sed -n 's/^Executed .* in \([0-9]*\) ms$/\1/p'
}

check_slow() { # program target
	for unit in "fuzz-$2-slow-unit-"*; do
		[ -f "$unit" ] || continue
		ms=$(alone_ms "$1" "$unit")
		if [ "${ms:-99999}" -gt $slow_ms ]; then
			echo "$2: $unit takes $ms ms"
			failed=1
		else
			rm "$unit"
		fi
	done
}

for program in tests/fuzz/fuzz_*; do
	target=${program#tests/fuzz/fuzz_}
	case $target in *.*) continue ;; esac
	case " ${FUZZ:-$target} " in *" $target "*) ;; *) continue ;; esac
	dict=$src/tests/fuzz/$target.dict
	[ -f "$dict" ] && dict=-dict=$dict || dict=
	mkdir -p "fuzz-corpus/$target"
	if [ -n "$FUZZ_RUNS" ]; then
		bound=-runs=$FUZZ_RUNS
	else
		bound=-max_total_time=${FUZZ_SECONDS:-60}
	fi
	if ! "$program" "$bound" ${dict:+"$dict"} -timeout=60 -report_slow_units=1 -print_final_stats=1 \
		-verbosity=0 -max_len="${FUZZ_MAX_LEN:-4096}" -malloc_limit_mb=$memory_mb -entropic=0 \
		"-artifact_prefix=fuzz-$target-" "fuzz-corpus/$target" \
		"$src/tests/fuzz/corpus/$target" >"fuzz-$target.log" 2>&1; then
		tail -n 40 "fuzz-$target.log"
		failed=1
	fi
	check_slow "$program" "$target"
	stat() { sed -n "s/^stat::$1: *//p" "fuzz-$target.log"; }
	peak=$(stat peak_rss_mb)
	echo "$target: $(stat number_of_executed_units) executions, ${peak:-?} MB"
	if [ "${peak:-0}" -gt $memory_mb ]; then
		echo "$target: more than $memory_mb MB"
		failed=1
	fi
done
exit $failed
