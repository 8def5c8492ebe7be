check_LIBRARIES += libtestsupport.a
libtestsupport_a_SOURCES = \
	%D%/dialogue.c %D%/dialogue.h \
	%D%/test.c %D%/test.h
libtestsupport_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
