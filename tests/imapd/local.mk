# tests/imapd
check_LIBRARIES += libimapfixture.a
libimapfixture_a_SOURCES = %D%/imap_fixture.c %D%/imap_fixture.h
libimapfixture_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
IMAP_TEST_LIBS = libimapfixture.a libtestsupport.a $(IMAPD_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/imapd/test_imap_session
tests_imapd_test_imap_session_SOURCES = %D%/test_imap_session.c
tests_imapd_test_imap_session_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_imap_session_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_imap_memory
tests_imapd_test_imap_memory_SOURCES = %D%/test_imap_memory.c
tests_imapd_test_imap_memory_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_imap_memory_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_imap_write
tests_imapd_test_imap_write_SOURCES = %D%/test_imap_write.c
tests_imapd_test_imap_write_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_imap_write_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_imap_login
tests_imapd_test_imap_login_SOURCES = %D%/test_imap_login.c
tests_imapd_test_imap_login_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_imap_login_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_imap_password
tests_imapd_test_imap_password_SOURCES = %D%/test_imap_password.c
tests_imapd_test_imap_password_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_imap_password_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_imap_folders
tests_imapd_test_imap_folders_SOURCES = %D%/test_imap_folders.c
tests_imapd_test_imap_folders_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_imap_folders_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_imap_news
tests_imapd_test_imap_news_SOURCES = %D%/test_imap_news.c
tests_imapd_test_imap_news_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_imap_news_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_imap_parse
tests_imapd_test_imap_parse_SOURCES = %D%/test_imap_parse.c
tests_imapd_test_imap_parse_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_imap_parse_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_fetch_body
tests_imapd_test_fetch_body_SOURCES = %D%/test_fetch_body.c
tests_imapd_test_fetch_body_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_fetch_body_LDADD = libtestsupport.a $(IMAPD_LIBS) $(CHECK_LIBS) $(OUTSIDE_LIBS)

check_PROGRAMS += tests/imapd/test_cmd_append
tests_imapd_test_cmd_append_SOURCES = %D%/test_cmd_append.c
tests_imapd_test_cmd_append_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_cmd_append_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_cmd_copy
tests_imapd_test_cmd_copy_SOURCES = %D%/test_cmd_copy.c
tests_imapd_test_cmd_copy_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_cmd_copy_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_cmd_expunge
tests_imapd_test_cmd_expunge_SOURCES = %D%/test_cmd_expunge.c
tests_imapd_test_cmd_expunge_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_cmd_expunge_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_cmd_store
tests_imapd_test_cmd_store_SOURCES = %D%/test_cmd_store.c
tests_imapd_test_cmd_store_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_cmd_store_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_cmd_fetch
tests_imapd_test_cmd_fetch_SOURCES = %D%/test_cmd_fetch.c
tests_imapd_test_cmd_fetch_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_cmd_fetch_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_cmd_notify
tests_imapd_test_cmd_notify_SOURCES = %D%/test_cmd_notify.c
tests_imapd_test_cmd_notify_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_cmd_notify_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_notify_model
tests_imapd_test_notify_model_SOURCES = %D%/test_notify_model.c
tests_imapd_test_notify_model_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_notify_model_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_cmd_search
tests_imapd_test_cmd_search_SOURCES = %D%/test_cmd_search.c
tests_imapd_test_cmd_search_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_cmd_search_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_esearch
tests_imapd_test_esearch_SOURCES = %D%/test_esearch.c
tests_imapd_test_esearch_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_esearch_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_multisearch
tests_imapd_test_multisearch_SOURCES = %D%/test_multisearch.c
tests_imapd_test_multisearch_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_multisearch_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_context
tests_imapd_test_context_SOURCES = %D%/test_context.c
tests_imapd_test_context_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_context_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_cmd_sort
tests_imapd_test_cmd_sort_SOURCES = %D%/test_cmd_sort.c
tests_imapd_test_cmd_sort_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_cmd_sort_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_cmd_thread
tests_imapd_test_cmd_thread_SOURCES = %D%/test_cmd_thread.c
tests_imapd_test_cmd_thread_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_cmd_thread_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_search_index
tests_imapd_test_search_index_SOURCES = %D%/test_search_index.c
tests_imapd_test_search_index_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_search_index_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_cmd_compress
tests_imapd_test_cmd_compress_SOURCES = %D%/test_cmd_compress.c
tests_imapd_test_cmd_compress_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_cmd_compress_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_metadata
tests_imapd_test_metadata_SOURCES = %D%/test_metadata.c
tests_imapd_test_metadata_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_metadata_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_list_extended
tests_imapd_test_list_extended_SOURCES = %D%/test_list_extended.c
tests_imapd_test_list_extended_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_list_extended_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_condstore
tests_imapd_test_condstore_SOURCES = %D%/test_condstore.c %D%/modseq_fixture.h
tests_imapd_test_condstore_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_condstore_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_quota
tests_imapd_test_quota_SOURCES = %D%/test_quota.c
tests_imapd_test_quota_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_quota_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_multiappend
tests_imapd_test_multiappend_SOURCES = %D%/test_multiappend.c
tests_imapd_test_multiappend_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_multiappend_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_unauthenticate
tests_imapd_test_unauthenticate_SOURCES = %D%/test_unauthenticate.c
tests_imapd_test_unauthenticate_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_unauthenticate_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_imap4rev2
tests_imapd_test_imap4rev2_SOURCES = %D%/test_imap4rev2.c
tests_imapd_test_imap4rev2_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_imap4rev2_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_binary
tests_imapd_test_binary_SOURCES = %D%/test_binary.c
tests_imapd_test_binary_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_binary_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_preview
tests_imapd_test_preview_SOURCES = %D%/test_preview.c
tests_imapd_test_preview_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_preview_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_response_codes
tests_imapd_test_response_codes_SOURCES = %D%/test_response_codes.c
tests_imapd_test_response_codes_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_response_codes_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_literals
tests_imapd_test_literals_SOURCES = %D%/test_literals.c
tests_imapd_test_literals_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_literals_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_catenate
tests_imapd_test_catenate_SOURCES = %D%/test_catenate.c
tests_imapd_test_catenate_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_catenate_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_replace
tests_imapd_test_replace_SOURCES = %D%/test_replace.c
tests_imapd_test_replace_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_replace_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_utf8_accept
tests_imapd_test_utf8_accept_SOURCES = %D%/test_utf8_accept.c
tests_imapd_test_utf8_accept_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_utf8_accept_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_mailbox_names
tests_imapd_test_mailbox_names_SOURCES = %D%/test_mailbox_names.c
tests_imapd_test_mailbox_names_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_mailbox_names_LDADD = $(IMAP_TEST_LIBS)
check_PROGRAMS += tests/imapd/test_qresync
tests_imapd_test_qresync_SOURCES = %D%/test_qresync.c %D%/modseq_fixture.h
tests_imapd_test_qresync_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_qresync_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_resync_model
tests_imapd_test_resync_model_SOURCES = %D%/test_resync_model.c %D%/modseq_fixture.h
tests_imapd_test_resync_model_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_resync_model_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_acl
tests_imapd_test_acl_SOURCES = %D%/test_acl.c
tests_imapd_test_acl_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_acl_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_objectid
tests_imapd_test_objectid_SOURCES = %D%/test_objectid.c %D%/modseq_fixture.h
tests_imapd_test_objectid_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_objectid_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_uidonly
tests_imapd_test_uidonly_SOURCES = %D%/test_uidonly.c %D%/modseq_fixture.h
tests_imapd_test_uidonly_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_uidonly_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_malformed
tests_imapd_test_malformed_SOURCES = %D%/test_malformed.c
tests_imapd_test_malformed_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_malformed_LDADD = $(IMAP_TEST_LIBS)

check_PROGRAMS += tests/imapd/test_imap_rules
tests_imapd_test_imap_rules_SOURCES = %D%/test_imap_rules.c
tests_imapd_test_imap_rules_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_imapd_test_imap_rules_LDADD = $(IMAP_TEST_LIBS)

