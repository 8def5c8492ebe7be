# The suite measured beside the servers it wants to beat: `make bench`, or `make bench BENCH="--quick --only fetch"`.
# $PEERS_START names the script that starts those (see run.py); without it only the suite is measured.
EXTRA_DIST += %D%/run.py %D%/workloads.py %D%/servers.py
EXTRA_PROGRAMS += tests/bench/imap_load tests/bench/pop3_load
CLEANFILES += tests/bench/imap_load tests/bench/pop3_load
tests_bench_imap_load_SOURCES = %D%/imap_load.c %D%/wire.c %D%/wire.h %D%/made_mail.c %D%/made_mail.h
tests_bench_imap_load_LDADD = $(BASE_LIBS) $(OUTSIDE_LIBS)
tests_bench_pop3_load_SOURCES = %D%/pop3_load.c %D%/wire.c %D%/wire.h
tests_bench_pop3_load_LDADD = $(BASE_LIBS) $(OUTSIDE_LIBS)

bench: all tests/bench/imap_load tests/bench/pop3_load
	PB_BUILD='$(abs_top_builddir)' PYTHONDONTWRITEBYTECODE=1 \
		python3 $(srcdir)/tests/bench/run.py $(BENCH)
.PHONY: bench
