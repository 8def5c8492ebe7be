# tests/ctl: the command's parts, and the built command as people call it
CTL_TEST_LIBS = libtestsupport.a libctl.a libdns.a $(DAEMON_LIBS) $(UNBOUND_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/ctl/test_ca tests/ctl/test_run tests/ctl/test_verbs
tests_ctl_test_ca_SOURCES = %D%/test_ca.c
tests_ctl_test_ca_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ctl_test_ca_LDADD = $(CTL_TEST_LIBS)
tests_ctl_test_run_SOURCES = %D%/test_run.c %D%/ctl_fixture.c %D%/ctl_fixture.h
tests_ctl_test_run_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ctl_test_run_LDADD = $(CTL_TEST_LIBS)
tests_ctl_test_verbs_SOURCES = %D%/test_verbs.c %D%/ctl_fixture.c %D%/ctl_fixture.h
tests_ctl_test_verbs_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ctl_test_verbs_LDADD = $(CTL_TEST_LIBS)
check_PROGRAMS += tests/ctl/test_queue_verbs
tests_ctl_test_queue_verbs_SOURCES = %D%/test_queue_verbs.c %D%/ctl_fixture.c %D%/ctl_fixture.h
tests_ctl_test_queue_verbs_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ctl_test_queue_verbs_LDADD = $(CTL_TEST_LIBS)
