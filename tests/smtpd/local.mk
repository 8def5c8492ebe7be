# tests/smtpd
SMTPD_TEST_LIBS = libtestsupport.a libsmtpd.a libtrust.a liboutbound.a libauth.a libmail.a libnet.a libsandbox.a $(BASE_LIBS) \
	$(OUTSIDE_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/smtpd/test_smtp_params
tests_smtpd_test_smtp_params_SOURCES = %D%/test_smtp_params.c
tests_smtpd_test_smtp_params_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_smtpd_test_smtp_params_LDADD = libtestsupport.a libsmtpd.a libmail.a $(BASE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/smtpd/test_smtp_parse tests/smtpd/test_data_reader \
	tests/smtpd/test_smtp_auth tests/smtpd/test_smtp_session tests/smtpd/test_smtp_message \
	tests/smtpd/test_smtp_store tests/smtpd/test_smtp_commands tests/smtpd/test_header_filter \
	tests/smtpd/test_smtp_limits
tests_smtpd_test_smtp_parse_SOURCES = %D%/test_smtp_parse.c
tests_smtpd_test_smtp_parse_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_smtpd_test_smtp_parse_LDADD = libtestsupport.a libsmtpd.a libmail.a $(BASE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
tests_smtpd_test_data_reader_SOURCES = %D%/test_data_reader.c
tests_smtpd_test_data_reader_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_smtpd_test_data_reader_LDADD = libtestsupport.a libsmtpd.a libmail.a $(BASE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
tests_smtpd_test_smtp_session_SOURCES = %D%/test_smtp_session.c %D%/fake.c %D%/fake.h
tests_smtpd_test_smtp_session_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_smtpd_test_smtp_session_LDADD = $(SMTPD_TEST_LIBS)
tests_smtpd_test_smtp_message_SOURCES = %D%/test_smtp_message.c %D%/fake.c %D%/fake.h
tests_smtpd_test_smtp_message_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_smtpd_test_smtp_message_LDADD = $(SMTPD_TEST_LIBS)
tests_smtpd_test_smtp_auth_SOURCES = %D%/test_smtp_auth.c %D%/fake.c %D%/fake.h
tests_smtpd_test_smtp_auth_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_smtpd_test_smtp_auth_LDADD = $(SMTPD_TEST_LIBS)
tests_smtpd_test_smtp_store_SOURCES = %D%/test_smtp_store.c
tests_smtpd_test_smtp_store_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_smtpd_test_smtp_store_LDADD = libtestsupport.a libsmtpd.a $(OUTBOUND_LIBS) $(DAEMON_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
tests_smtpd_test_smtp_commands_SOURCES = %D%/test_smtp_commands.c %D%/fake.c %D%/fake.h
tests_smtpd_test_smtp_commands_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_smtpd_test_smtp_commands_LDADD = $(SMTPD_TEST_LIBS)
tests_smtpd_test_header_filter_SOURCES = %D%/test_header_filter.c
tests_smtpd_test_header_filter_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_smtpd_test_header_filter_LDADD = libtestsupport.a libsmtpd.a liboutbound.a libmail.a $(BASE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
tests_smtpd_test_smtp_limits_SOURCES = %D%/test_smtp_limits.c %D%/fake.c %D%/fake.h
tests_smtpd_test_smtp_limits_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_smtpd_test_smtp_limits_LDADD = $(SMTPD_TEST_LIBS)
check_PROGRAMS += tests/smtpd/test_submission
tests_smtpd_test_submission_SOURCES = %D%/test_submission.c %D%/fake.c %D%/fake.h
tests_smtpd_test_submission_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_smtpd_test_submission_LDADD = $(SMTPD_TEST_LIBS)
check_PROGRAMS += tests/smtpd/test_forward
tests_smtpd_test_forward_SOURCES = %D%/test_forward.c %D%/fake.c %D%/fake.h
tests_smtpd_test_forward_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_smtpd_test_forward_LDADD = $(SMTPD_TEST_LIBS)
check_PROGRAMS += tests/smtpd/test_smtp_password
tests_smtpd_test_smtp_password_SOURCES = %D%/test_smtp_password.c %D%/fake.c %D%/fake.h
tests_smtpd_test_smtp_password_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_smtpd_test_smtp_password_LDADD = $(SMTPD_TEST_LIBS)
