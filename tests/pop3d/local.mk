check_PROGRAMS += tests/pop3d/test_pop3_parts
tests_pop3d_test_pop3_parts_SOURCES = %D%/test_pop3_parts.c
tests_pop3d_test_pop3_parts_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_pop3d_test_pop3_parts_LDADD = libtestsupport.a libpop3d.a $(BASE_LIBS) $(CHECK_LIBS)
