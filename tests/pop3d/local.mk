POP3_TEST_LIBS = libtestsupport.a libpop3d.a $(DAEMON_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += \
	tests/pop3d/test_pop3_auth \
	tests/pop3d/test_pop3_limits \
	tests/pop3d/test_pop3_parts \
	tests/pop3d/test_pop3_password \
	tests/pop3d/test_pop3_states \
	tests/pop3d/test_pop3_transaction \
	tests/pop3d/test_pop3_update
tests_pop3d_test_pop3_parts_SOURCES = %D%/test_pop3_parts.c
tests_pop3d_test_pop3_parts_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_pop3d_test_pop3_parts_LDADD = $(POP3_TEST_LIBS)
tests_pop3d_test_pop3_auth_SOURCES = %D%/test_pop3_auth.c %D%/fixture.c %D%/fixture.h
tests_pop3d_test_pop3_auth_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_pop3d_test_pop3_auth_LDADD = $(POP3_TEST_LIBS)
tests_pop3d_test_pop3_limits_SOURCES = %D%/test_pop3_limits.c %D%/fixture.c %D%/fixture.h
tests_pop3d_test_pop3_limits_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_pop3d_test_pop3_limits_LDADD = $(POP3_TEST_LIBS)
tests_pop3d_test_pop3_password_SOURCES = %D%/test_pop3_password.c %D%/fixture.c %D%/fixture.h
tests_pop3d_test_pop3_password_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_pop3d_test_pop3_password_LDADD = $(POP3_TEST_LIBS)
tests_pop3d_test_pop3_states_SOURCES = %D%/test_pop3_states.c %D%/fixture.c %D%/fixture.h
tests_pop3d_test_pop3_states_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_pop3d_test_pop3_states_LDADD = $(POP3_TEST_LIBS)
tests_pop3d_test_pop3_transaction_SOURCES = %D%/test_pop3_transaction.c %D%/fixture.c %D%/fixture.h
tests_pop3d_test_pop3_transaction_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_pop3d_test_pop3_transaction_LDADD = $(POP3_TEST_LIBS)
tests_pop3d_test_pop3_update_SOURCES = %D%/test_pop3_update.c %D%/fixture.c %D%/fixture.h
tests_pop3d_test_pop3_update_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_pop3d_test_pop3_update_LDADD = $(POP3_TEST_LIBS)
