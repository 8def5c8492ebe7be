check_PROGRAMS += tests/dns/test_dns
tests_dns_test_dns_SOURCES = %D%/test_dns.c
tests_dns_test_dns_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_dns_test_dns_LDADD = libtestsupport.a $(DNS_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
