check_LIBRARIES += libtestsupport.a
libtestsupport_a_SOURCES = \
	%D%/certificate.c %D%/certificate.h \
	%D%/closed_line.c %D%/closed_line.h \
	%D%/dialogue.c %D%/dialogue.h \
	%D%/log_lines.c %D%/log_lines.h \
	%D%/sasl_text.c %D%/sasl_text.h \
	%D%/password_gate.c %D%/password_gate.h \
	%D%/store_fixture.c %D%/store_fixture.h \
	%D%/test.c %D%/test.h
libtestsupport_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
# A DNS of the test's own; stands before libdns.a.
check_LIBRARIES += libfakedns.a
libfakedns_a_SOURCES = %D%/fake_dns.c %D%/fake_dns.h
