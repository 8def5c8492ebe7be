check_LIBRARIES += libtestsupport.a
libtestsupport_a_SOURCES = %D%/test.c %D%/test.h
libtestsupport_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
