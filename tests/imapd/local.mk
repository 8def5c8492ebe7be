# tests/imapd

check_PROGRAMS += tests/imapd/test_fetch_body
tests_imapd_test_fetch_body_SOURCES = %D%/test_fetch_body.c
tests_imapd_test_fetch_body_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_fetch_body_LDADD = libtestsupport.a $(IMAPD_LIBS) $(CHECK_LIBS) $(OUTSIDE_LIBS)

check_PROGRAMS += tests/imapd/test_search_text
tests_imapd_test_search_text_SOURCES = %D%/test_search_text.c
tests_imapd_test_search_text_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_search_text_LDADD = libtestsupport.a $(IMAPD_LIBS) $(CHECK_LIBS) $(OUTSIDE_LIBS)
