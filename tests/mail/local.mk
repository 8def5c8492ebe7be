# tests/mail

check_PROGRAMS += tests/mail/test_charset_stream
tests_mail_test_charset_stream_SOURCES = %D%/test_charset_stream.c
tests_mail_test_charset_stream_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_mail_test_charset_stream_LDADD = libtestsupport.a $(MAIL_LIBS) $(CHECK_LIBS) $(OUTSIDE_LIBS)
