# tests/outbound: smtpd/outbound
# a DNS of the test's own answers, unless a test names libdns.a and $(UNBOUND_LIBS) before
OUTBOUND_TEST_LIBS = libtestsupport.a liboutbound.a libfakedns.a libdns.a $(DAEMON_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

# where mail goes
check_PROGRAMS += tests/outbound/test_route
tests_outbound_test_route_SOURCES = %D%/test_route.c %D%/route_world.c %D%/route_world.h
tests_outbound_test_route_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_route_LDADD = $(OUTBOUND_TEST_LIBS)
check_PROGRAMS += tests/outbound/test_route_rule tests/outbound/test_route_tls
tests_outbound_test_route_rule_SOURCES = %D%/test_route_rule.c %D%/route_world.c %D%/route_world.h
tests_outbound_test_route_rule_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_route_rule_LDADD = $(OUTBOUND_TEST_LIBS)
tests_outbound_test_route_tls_SOURCES = %D%/test_route_tls.c %D%/route_world.c %D%/route_world.h
tests_outbound_test_route_tls_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_route_tls_LDADD = $(OUTBOUND_TEST_LIBS)
check_PROGRAMS += tests/outbound/test_sts
tests_outbound_test_sts_SOURCES = %D%/test_sts.c %D%/route_world.c %D%/route_world.h
tests_outbound_test_sts_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_sts_LDADD = $(OUTBOUND_TEST_LIBS)
noinst_PROGRAMS += tests/outbound/show_route
tests_outbound_show_route_SOURCES = %D%/show_route.c
tests_outbound_show_route_LDADD = $(OUTBOUND_LIBS) $(DAEMON_LIBS) $(OUTSIDE_LIBS) $(UNBOUND_LIBS)
check_PROGRAMS += tests/outbound/test_report
tests_outbound_test_report_SOURCES = %D%/test_report.c
tests_outbound_test_report_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_report_LDADD = $(OUTBOUND_TEST_LIBS)
# the client
check_PROGRAMS += tests/outbound/test_client
tests_outbound_test_client_SOURCES = %D%/test_client.c %D%/client_fixture.c %D%/client_fixture.h
tests_outbound_test_client_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_client_LDADD = $(OUTBOUND_TEST_LIBS)
# for tests with real servers
noinst_PROGRAMS += tests/outbound/send
tests_outbound_send_SOURCES = %D%/send.c
tests_outbound_send_LDADD = $(OUTBOUND_LIBS) $(DAEMON_LIBS) $(OUTSIDE_LIBS) $(UNBOUND_LIBS)
check_PROGRAMS += tests/outbound/test_client_tls
tests_outbound_test_client_tls_SOURCES = %D%/test_client_tls.c %D%/client_fixture.c %D%/client_fixture.h
tests_outbound_test_client_tls_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_client_tls_LDADD = $(OUTBOUND_TEST_LIBS)
check_PROGRAMS += tests/outbound/test_scheduler
tests_outbound_test_scheduler_SOURCES = %D%/test_scheduler.c %D%/network.c %D%/network.h
tests_outbound_test_scheduler_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_scheduler_LDADD = $(OUTBOUND_TEST_LIBS)
check_PROGRAMS += tests/outbound/test_tlsrpt_report
tests_outbound_test_tlsrpt_report_SOURCES = %D%/test_tlsrpt_report.c
tests_outbound_test_tlsrpt_report_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_tlsrpt_report_LDADD = $(OUTBOUND_TEST_LIBS)
check_PROGRAMS += tests/outbound/test_downgrade
tests_outbound_test_downgrade_SOURCES = %D%/test_downgrade.c
tests_outbound_test_downgrade_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_downgrade_LDADD = $(OUTBOUND_TEST_LIBS)
check_PROGRAMS += tests/outbound/test_client_life
tests_outbound_test_client_life_SOURCES = %D%/test_client_life.c %D%/client_fixture.c %D%/client_fixture.h
tests_outbound_test_client_life_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_client_life_LDADD = $(OUTBOUND_TEST_LIBS)
check_PROGRAMS += tests/outbound/test_client_params tests/outbound/test_reply
tests_outbound_test_client_params_SOURCES = %D%/test_client_params.c %D%/client_fixture.c %D%/client_fixture.h
tests_outbound_test_client_params_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_client_params_LDADD = $(OUTBOUND_TEST_LIBS)
tests_outbound_test_reply_SOURCES = %D%/test_reply.c
tests_outbound_test_reply_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_reply_LDADD = $(OUTBOUND_TEST_LIBS)
check_PROGRAMS += tests/outbound/test_tlsrpt
tests_outbound_test_tlsrpt_SOURCES = %D%/test_tlsrpt.c
tests_outbound_test_tlsrpt_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_tlsrpt_LDADD = $(OUTBOUND_TEST_LIBS)
check_PROGRAMS += tests/outbound/test_outgoing
tests_outbound_test_outgoing_SOURCES = %D%/test_outgoing.c
tests_outbound_test_outgoing_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_outgoing_LDADD = libtestsupport.a $(OUTBOUND_LIBS) $(DAEMON_LIBS) $(OUTSIDE_LIBS) $(UNBOUND_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/outbound/test_results
tests_outbound_test_results_SOURCES = %D%/test_results.c
tests_outbound_test_results_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_results_LDADD = $(OUTBOUND_TEST_LIBS)
# mail of the queue for ourselves
check_PROGRAMS += tests/outbound/test_local
tests_outbound_test_local_SOURCES = %D%/test_local.c
tests_outbound_test_local_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_local_LDADD = libtestsupport.a $(OUTBOUND_LIBS) $(DAEMON_LIBS) $(OUTSIDE_LIBS) $(UNBOUND_LIBS) $(CHECK_LIBS)
# which host comes next, with a client of the test's own
check_PROGRAMS += tests/outbound/test_attempt
tests_outbound_test_attempt_SOURCES = %D%/test_attempt.c %D%/runner_world.c %D%/runner_world.h
tests_outbound_test_attempt_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_attempt_LDADD = $(OUTBOUND_TEST_LIBS)
# parcels, and what becomes of them on a full disk
check_PROGRAMS += tests/outbound/test_parcel
tests_outbound_test_parcel_SOURCES = %D%/test_parcel.c %D%/runner_world.c %D%/runner_world.h
tests_outbound_test_parcel_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_parcel_LDADD = $(OUTBOUND_TEST_LIBS)
check_PROGRAMS += tests/outbound/test_runner_clock
tests_outbound_test_runner_clock_SOURCES = %D%/test_runner_clock.c %D%/runner_world.c %D%/runner_world.h
tests_outbound_test_runner_clock_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_runner_clock_LDADD = $(OUTBOUND_TEST_LIBS)
# messages made ready beside the connections
check_PROGRAMS += tests/outbound/test_prepare
tests_outbound_test_prepare_SOURCES = %D%/test_prepare.c tests/trust/examples.c tests/trust/examples.h
tests_outbound_test_prepare_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_prepare_LDADD = $(OUTBOUND_TEST_LIBS)
# headers that only domains keep from being ASCII
check_PROGRAMS += tests/outbound/test_ascii_domains
tests_outbound_test_ascii_domains_SOURCES = %D%/test_ascii_domains.c
tests_outbound_test_ascii_domains_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_outbound_test_ascii_domains_LDADD = $(OUTBOUND_TEST_LIBS)
