check_PROGRAMS += tests/net/test_conn tests/net/test_hub
tests_net_test_conn_SOURCES = %D%/test_conn.c
tests_net_test_conn_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_net_test_conn_LDADD = libtestsupport.a $(NET_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
tests_net_test_hub_SOURCES = %D%/test_hub.c
tests_net_test_hub_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_net_test_hub_LDADD = libtestsupport.a $(NET_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/net/test_tls
tests_net_test_tls_SOURCES = %D%/test_tls.c
tests_net_test_tls_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_net_test_tls_LDADD = libtestsupport.a $(NET_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/net/test_deadline
tests_net_test_deadline_SOURCES = %D%/test_deadline.c
tests_net_test_deadline_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_net_test_deadline_LDADD = libtestsupport.a $(NET_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
tests_net_test_deadline_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=loop_timer_set
