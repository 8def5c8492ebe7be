# The suite measured beside the servers it wants to beat: `make bench`, or `make bench BENCH="--quick --only fetch"`.
# $PEERS_START names the script that starts those (see run.py); without it only the suite is measured.
EXTRA_DIST += %D%/run.py %D%/servers.py %D%/peers.py %D%/machine.py %D%/processes.py %D%/report.py %D%/growth.py \
	%D%/workloads/__init__.py %D%/workloads/base.py %D%/workloads/fixtures.py \
	%D%/workloads/delivery.py %D%/workloads/reading.py %D%/workloads/searching.py %D%/workloads/sorting.py \
	%D%/workloads/changing.py %D%/workloads/sessions.py \
	%D%/workloads/corpus.py %D%/workloads/space.py %D%/workloads/restarting.py %D%/workloads/idling.py %D%/workloads/relaying.py
BENCH_TOOLS = tests/bench/imap_load tests/bench/pop3_load tests/bench/smtp_load tests/bench/idle_load \
	tests/bench/machine_limits
BENCH_WIRE = %D%/wire.c %D%/wire.h
BENCH_MAIL = %D%/made_mail.c %D%/made_mail.h %D%/file_mail.c %D%/file_mail.h
BENCH_SMTP = %D%/smtp_client.c %D%/smtp_client.h
EXTRA_PROGRAMS += $(BENCH_TOOLS)
CLEANFILES += $(BENCH_TOOLS)
tests_bench_imap_load_SOURCES = %D%/imap_load.c $(BENCH_WIRE) $(BENCH_MAIL)
tests_bench_imap_load_LDADD = $(BASE_LIBS) $(OUTSIDE_LIBS)
tests_bench_pop3_load_SOURCES = %D%/pop3_load.c $(BENCH_WIRE)
tests_bench_pop3_load_LDADD = $(BASE_LIBS) $(OUTSIDE_LIBS)
tests_bench_smtp_load_SOURCES = %D%/smtp_load.c $(BENCH_WIRE) $(BENCH_MAIL) $(BENCH_SMTP)
tests_bench_smtp_load_LDADD = libmail.a $(BASE_LIBS) $(OUTSIDE_LIBS)
tests_bench_idle_load_SOURCES = %D%/idle_load.c $(BENCH_WIRE) $(BENCH_MAIL) $(BENCH_SMTP)
tests_bench_idle_load_LDADD = libmail.a $(BASE_LIBS) $(OUTSIDE_LIBS)
tests_bench_machine_limits_SOURCES = %D%/machine_limits.c $(BENCH_WIRE)
tests_bench_machine_limits_LDADD = $(BASE_LIBS) $(OUTSIDE_LIBS)

bench: all $(BENCH_TOOLS)
	PB_BUILD='$(abs_top_builddir)' PYTHONDONTWRITEBYTECODE=1 \
		python3 $(srcdir)/tests/bench/run.py $(BENCH)
.PHONY: bench
