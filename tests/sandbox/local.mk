check_PROGRAMS += tests/sandbox/test_sandbox tests/sandbox/test_privileges
tests_sandbox_test_sandbox_SOURCES = %D%/test_sandbox.c
tests_sandbox_test_sandbox_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_sandbox_test_sandbox_LDADD = libtestsupport.a $(SANDBOX_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
tests_sandbox_test_privileges_SOURCES = %D%/test_privileges.c
tests_sandbox_test_privileges_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_sandbox_test_privileges_LDADD = libtestsupport.a $(SANDBOX_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
