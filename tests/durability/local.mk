# Nothing acknowledged is lost: `make durability`, or `make durability LONG=1`; some: DURABILITY="kills".
EXTRA_DIST += %D%/collector.py %D%/connection.py %D%/daemons.py %D%/imap_actor.py %D%/kills.py %D%/ledger.py %D%/million.py %D%/mixed.sh %D%/model.py \
	%D%/pop3_actor.py %D%/quick_imap.py %D%/recount.py %D%/self_check.py %D%/submitter.py %D%/t_kills.sh %D%/t_million.sh %D%/t_supervised.sh
EXTRA_PROGRAMS += tests/durability/deliver_load
CLEANFILES += tests/durability/deliver_load
tests_durability_deliver_load_SOURCES = %D%/deliver_load.c
tests_durability_deliver_load_LDADD = $(BASE_LIBS) $(OUTSIDE_LIBS)

# Everything at once: the floods of tests/overload and the load generators of tests/bench beside that; a library that leaks shows that leaks are found.
EXTRA_DIST += %D%/at_rest.py %D%/everything.py %D%/speed.py %D%/t_everything.sh
EVERYTHING_TOOLS = tests/durability/leak.so tests/bench/imap_load tests/bench/pop3_load tests/bench/smtp_load
EXTRA_PROGRAMS += tests/durability/leak.so
CLEANFILES += tests/durability/leak.so
tests_durability_leak_so_SOURCES = %D%/leak.c
tests_durability_leak_so_CFLAGS = $(WARN_CFLAGS) -O2 -fPIC -pthread -U_FORTIFY_SOURCE
tests_durability_leak_so_LDFLAGS = -shared -pthread

# The simulated power cut: a recorder to preload, and a reader linked with the store.
EXTRA_DIST += %D%/t_powercut.sh %D%/t_powercut_old.sh %D%/powercut.sh %D%/powercut.py %D%/powercut_disk.py %D%/powercut_image.py \
	%D%/powercut_log.py %D%/powercut_migration.py %D%/powercut_mixed.py %D%/powercut_talk.py
POWERCUT_TOOLS = tests/durability/powercut_record.so tests/durability/powercut_reader tests/durability/powercut_old
EXTRA_PROGRAMS += $(POWERCUT_TOOLS)
CLEANFILES += $(POWERCUT_TOOLS)
# It defines open() and its kin itself, so the headers must not have those that check their arguments.
tests_durability_powercut_record_so_SOURCES = %D%/powercut_record.c %D%/powercut_record.h %D%/powercut_names.c \
	%D%/powercut_writer.c %D%/powercut_writer.h
tests_durability_powercut_record_so_CFLAGS = $(WARN_CFLAGS) -O2 -fPIC -pthread -U_FORTIFY_SOURCE
tests_durability_powercut_record_so_LDFLAGS = -shared -pthread
tests_durability_powercut_reader_SOURCES = %D%/powercut_reader.c
tests_durability_powercut_old_SOURCES = %D%/powercut_old.c
tests_durability_powercut_old_LDADD = $(STORE_LIBS) $(OUTSIDE_LIBS)
tests_durability_powercut_reader_LDADD = $(STORE_LIBS) $(OUTSIDE_LIBS)

durability: all tests/durability/deliver_load $(EVERYTHING_TOOLS) $(POWERCUT_TOOLS)
	PB_BUILD='$(abs_top_builddir)' LONG='$(LONG)' SCRIPTS='$(abs_srcdir)/tests/durability' INTEROP_SECONDS=$(if $(LONG),7200,120) \
		$(SHELL) $(srcdir)/tests/interop/run.sh $(DURABILITY)
.PHONY: durability
