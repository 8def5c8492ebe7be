check_PROGRAMS += tests/dns/test_dns
tests_dns_test_dns_SOURCES = %D%/test_dns.c
tests_dns_test_dns_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_dns_test_dns_LDADD = libtestsupport.a $(DNS_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
noinst_PROGRAMS += tests/dns/ask
tests_dns_ask_SOURCES = %D%/ask.c
tests_dns_ask_LDADD = $(DNS_LIBS) $(DAEMON_LIBS) $(OUTSIDE_LIBS) $(UNBOUND_LIBS)
