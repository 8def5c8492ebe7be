check_PROGRAMS += tests/base/test_base
tests_base_test_base_SOURCES = %D%/test_base.c
tests_base_test_base_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_base_test_base_LDADD = libtestsupport.a $(BASE_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/base/test_conf
tests_base_test_conf_SOURCES = %D%/test_conf.c
tests_base_test_conf_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_base_test_conf_LDADD = libtestsupport.a $(BASE_LIBS) $(CONFUSE_LIBS) $(CHECK_LIBS)
