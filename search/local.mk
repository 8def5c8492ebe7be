# search: what is computed from messages for searching and sorting, between the store and imapd
noinst_LIBRARIES += libsearch.a
libsearch_a_SOURCES = \
	%D%/facts.c %D%/facts.h \
	%D%/facts_build.c %D%/facts_build.h %D%/facts_private.h \
	%D%/facts_table.c %D%/facts_table.h \
	%D%/facts_write.c \
	%D%/field_text.c %D%/field_text.h \
	%D%/index_pace.c %D%/index_pace.h \
	%D%/index_work.c %D%/index_work.h \
	%D%/indexer.c %D%/indexer.h \
	%D%/list_fields.c %D%/list_fields.h \
	%D%/message_texts.c %D%/message_texts.h \
	%D%/octets.c %D%/octets.h \
	%D%/segment.c %D%/segment.h %D%/segment_private.h \
	%D%/segment_build.c %D%/segment_build.h \
	%D%/segment_checksum.c \
	%D%/segment_writer.c %D%/segment_writer.h \
	%D%/segments.c %D%/segments.h \
	%D%/text_search.c %D%/text_search.h \
	%D%/text_stream.c %D%/text_stream.h \
	%D%/word_stream.c %D%/word_stream.h \
	%D%/word_table.c %D%/word_table.h \
	%D%/words.h %D%/words_private.h \
	%D%/words_build.c \
	%D%/words_format.c \
	%D%/words_merge.c \
	%D%/words_query.c
