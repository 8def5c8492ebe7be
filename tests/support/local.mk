check_LIBRARIES += libtestsupport.a
libtestsupport_a_SOURCES = \
	%D%/certificate.c %D%/certificate.h \
	%D%/dialogue.c %D%/dialogue.h \
	%D%/store_fixture.c %D%/store_fixture.h \
	%D%/test.c %D%/test.h
libtestsupport_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
