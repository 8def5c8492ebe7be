# tests/search
SEARCH_TEST_LIBS = libtestsupport.a $(SEARCH_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/search/test_segment
tests_search_test_segment_SOURCES = %D%/test_segment.c
tests_search_test_segment_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_search_test_segment_LDADD = $(SEARCH_TEST_LIBS)

check_PROGRAMS += tests/search/test_segments
tests_search_test_segments_SOURCES = %D%/test_segments.c
tests_search_test_segments_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_search_test_segments_LDADD = $(SEARCH_TEST_LIBS)

check_PROGRAMS += tests/search/test_text_search
tests_search_test_text_search_SOURCES = %D%/test_text_search.c
tests_search_test_text_search_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_search_test_text_search_LDADD = $(SEARCH_TEST_LIBS)

check_PROGRAMS += tests/search/test_facts
tests_search_test_facts_SOURCES = %D%/test_facts.c
tests_search_test_facts_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_search_test_facts_LDADD = $(SEARCH_TEST_LIBS)

check_PROGRAMS += tests/search/test_facts_table
tests_search_test_facts_table_SOURCES = %D%/test_facts_table.c
tests_search_test_facts_table_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_search_test_facts_table_LDADD = $(SEARCH_TEST_LIBS)

check_PROGRAMS += tests/search/test_words
tests_search_test_words_SOURCES = %D%/test_words.c
tests_search_test_words_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_search_test_words_LDADD = $(SEARCH_TEST_LIBS)

check_PROGRAMS += tests/search/test_indexer
tests_search_test_indexer_SOURCES = %D%/test_indexer.c
tests_search_test_indexer_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_search_test_indexer_LDADD = $(SEARCH_TEST_LIBS)

check_PROGRAMS += tests/search/test_index_pace
tests_search_test_index_pace_SOURCES = %D%/test_index_pace.c
tests_search_test_index_pace_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_search_test_index_pace_LDADD = $(SEARCH_TEST_LIBS)

check_PROGRAMS += tests/search/test_list_fields
tests_search_test_list_fields_SOURCES = %D%/test_list_fields.c
tests_search_test_list_fields_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_search_test_list_fields_LDADD = $(SEARCH_TEST_LIBS)
