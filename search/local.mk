# search: what is computed from messages for searching and sorting, between the store and imapd
noinst_LIBRARIES += libsearch.a
libsearch_a_SOURCES = \
	%D%/segment.c %D%/segment.h %D%/segment_private.h \
	%D%/segment_build.c %D%/segment_build.h \
	%D%/segment_checksum.c \
	%D%/segment_writer.c %D%/segment_writer.h \
	%D%/segments.c %D%/segments.h
