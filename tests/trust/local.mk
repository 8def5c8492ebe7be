# tests/trust
check_PROGRAMS += tests/trust/test_dkim
tests_trust_test_dkim_SOURCES = %D%/test_dkim.c %D%/examples.c %D%/examples.h
tests_trust_test_dkim_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_trust_test_dkim_LDADD = libtestsupport.a $(TRUST_LIBS) $(CHECK_LIBS) $(OUTSIDE_LIBS)
check_PROGRAMS += tests/trust/test_tags
tests_trust_test_tags_SOURCES = %D%/test_tags.c
tests_trust_test_tags_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_trust_test_tags_LDADD = libtestsupport.a $(TRUST_LIBS) $(CHECK_LIBS) $(OUTSIDE_LIBS)
check_PROGRAMS += tests/trust/test_arc
tests_trust_test_arc_SOURCES = %D%/test_arc.c %D%/examples.c %D%/examples.h
tests_trust_test_arc_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_trust_test_arc_LDADD = libtestsupport.a $(TRUST_LIBS) $(CHECK_LIBS) $(OUTSIDE_LIBS)
check_PROGRAMS += tests/trust/test_srs
tests_trust_test_srs_SOURCES = %D%/test_srs.c
tests_trust_test_srs_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_trust_test_srs_LDADD = libtestsupport.a $(TRUST_LIBS) $(CHECK_LIBS) $(OUTSIDE_LIBS)
