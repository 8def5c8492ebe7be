# tests/mail

check_PROGRAMS += tests/mail/test_charset_stream
tests_mail_test_charset_stream_SOURCES = %D%/test_charset_stream.c
tests_mail_test_charset_stream_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_mail_test_charset_stream_LDADD = libtestsupport.a $(MAIL_LIBS) $(CHECK_LIBS) $(OUTSIDE_LIBS)
check_PROGRAMS += tests/mail/test_message_index
tests_mail_test_message_index_SOURCES = %D%/test_message_index.c
tests_mail_test_message_index_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_mail_test_message_index_LDADD = libtestsupport.a $(MAIL_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/mail/test_index_limits
tests_mail_test_index_limits_SOURCES = %D%/test_index_limits.c
tests_mail_test_index_limits_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_mail_test_index_limits_LDADD = libtestsupport.a $(MAIL_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
