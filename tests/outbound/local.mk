# tests/outbound: smtpd/outbound
OUTBOUND_TEST_LIBS = libtestsupport.a $(OUTBOUND_LIBS) $(DAEMON_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
