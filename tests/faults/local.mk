# Each call that can fail made to fail in turn: `make faults`, or `make faults LONG=1` for every one; some: FAULTS="damage".
FAULTS_TESTS = tests/faults/test_store tests/faults/test_repair tests/faults/test_imap_faults tests/faults/test_pop3_faults \
	tests/faults/test_smtp_faults tests/faults/test_net_faults
FAULTS_TOOLS = tests/faults/live_faults.so
EXTRA_PROGRAMS += $(FAULTS_TESTS) $(FAULTS_TOOLS)
CLEANFILES += $(FAULTS_TESTS) $(FAULTS_TOOLS)
tests_faults_live_faults_so_SOURCES = %D%/live_faults.c
tests_faults_live_faults_so_CFLAGS = $(WARN_CFLAGS) -O2 -fPIC -pthread -U_FORTIFY_SOURCE
tests_faults_live_faults_so_LDFLAGS = -shared -pthread
# They define open() and its kin, so the headers must not have those that check their arguments.
FAULTS_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -U_FORTIFY_SOURCE
FAULTS_LIBS = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
tests_faults_test_store_SOURCES = %D%/test_store.c %D%/faults.c %D%/faults.h tests/store/fixture.c tests/store/fixture.h \
	tests/store/queue_fixture.c tests/store/queue_fixture.h
tests_faults_test_store_CFLAGS = $(FAULTS_CFLAGS)
tests_faults_test_store_LDADD = $(FAULTS_LIBS)
tests_faults_test_repair_SOURCES = %D%/test_repair.c tests/store/fixture.c tests/store/fixture.h
tests_faults_test_repair_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_faults_test_repair_LDADD = $(FAULTS_LIBS)

SESSION_FAULTS = tests/faults/session_faults.c tests/faults/session_faults.h tests/faults/session_state.c \
	tests/faults/session_state.h tests/faults/faults.c tests/faults/faults.h
tests_faults_test_imap_faults_SOURCES = %D%/test_imap_faults.c $(SESSION_FAULTS)
tests_faults_test_imap_faults_CFLAGS = $(FAULTS_CFLAGS)
tests_faults_test_imap_faults_LDADD = libtestsupport.a $(IMAPD_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
tests_faults_test_pop3_faults_SOURCES = %D%/test_pop3_faults.c $(SESSION_FAULTS)
tests_faults_test_pop3_faults_CFLAGS = $(FAULTS_CFLAGS)
tests_faults_test_pop3_faults_LDADD = $(POP3_TEST_LIBS)
tests_faults_test_smtp_faults_SOURCES = %D%/test_smtp_faults.c $(SESSION_FAULTS)
tests_faults_test_smtp_faults_CFLAGS = $(FAULTS_CFLAGS)
tests_faults_test_smtp_faults_LDADD = libtestsupport.a libsmtpd.a $(OUTBOUND_LIBS) $(DAEMON_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
tests_faults_test_net_faults_SOURCES = %D%/test_net_faults.c %D%/net_client.c %D%/net_client.h %D%/faults.c %D%/faults.h
tests_faults_test_net_faults_CFLAGS = $(FAULTS_CFLAGS)
tests_faults_test_net_faults_LDADD = libtestsupport.a $(IMAPD_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

EXTRA_DIST += %D%/programs.sh %D%/t_calls.sh %D%/t_damage.sh %D%/t_sessions.sh %D%/t_live.sh %D%/live.py
faults: all $(FAULTS_TESTS) $(FAULTS_TOOLS)
	PB_BUILD='$(abs_top_builddir)' LONG='$(LONG)' SCRIPTS='$(abs_srcdir)/tests/faults' INTEROP_SECONDS=$(if $(LONG),7200,240) \
		INTEROP_JOBS=2 $(SHELL) $(srcdir)/tests/interop/run.sh $(FAULTS)
.PHONY: faults
