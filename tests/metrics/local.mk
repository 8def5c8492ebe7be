check_PROGRAMS += tests/metrics/test_metrics tests/metrics/test_scrape
tests_metrics_test_metrics_SOURCES = %D%/test_metrics.c
tests_metrics_test_metrics_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_metrics_test_metrics_LDADD = libtestsupport.a $(BASE_LIBS) $(CHECK_LIBS)
tests_metrics_test_scrape_SOURCES = %D%/test_scrape.c
tests_metrics_test_scrape_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_metrics_test_scrape_LDADD = libtestsupport.a $(NET_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
