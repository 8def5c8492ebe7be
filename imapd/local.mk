# imapd: all but main.c is a library, so that tests can hold whole conversations in process
noinst_LIBRARIES += libimapd.a
libimapd_a_SOURCES = \
	%D%/append_grammar.c %D%/append_grammar.h \
	%D%/binary_encode.c %D%/binary_encode.h \
	%D%/catenate.c %D%/catenate.h \
	%D%/cmd_acl.c \
	%D%/cmd_append.c \
	%D%/cmd_authenticate.c \
	%D%/cmd_close.c \
	%D%/cmd_compress.c \
	%D%/cmd_enable.c \
	%D%/cmd_folders.c \
	%D%/cmd_idle.c \
	%D%/cmd_list.c \
	%D%/cmd_login.c \
	%D%/cmd_login.h \
	%D%/cmd_quota.c \
	%D%/cmd_select.c \
	%D%/cmd_simple.c \
	%D%/cmd_status.c \
	%D%/cmd_unauthenticate.c \
	%D%/folder.c \
	%D%/folder.h \
	%D%/imap_append.h \
	%D%/imap_capability.c \
	%D%/imap_capability.h \
	%D%/imap_command.h \
	%D%/imap_commands.c \
	%D%/imap_dispatch.c \
	%D%/imap_dispatch.h \
	%D%/imap_err.c \
	%D%/imap_go.h \
	%D%/imap_handlers.h \
	%D%/imap_parse.c \
	%D%/imap_parse.h \
	%D%/imap_parse_flags.c \
	%D%/imap_parse_set.c \
	%D%/imap_read.c \
	%D%/imap_read.h \
	%D%/imap_session.c \
	%D%/imap_session.h \
	%D%/imap_write.c \
	%D%/imap_write.h \
	%D%/imap_url.c %D%/imap_url.h \
	%D%/list_line.c \
	%D%/list_line.h \
	%D%/objectid.h \
	%D%/list_pattern.c \
	%D%/list_pattern.h \
	%D%/list_request.c \
	%D%/list_request.h \
	%D%/list_rows.c \
	%D%/list_rows.h \
	%D%/list_tree.c \
	%D%/list_tree.h \
	%D%/cmd_metadata.c \
	%D%/metadata.c \
	%D%/metadata.h \
	%D%/metadata_news.c \
	%D%/pump.c \
	%D%/pump.h \
	%D%/cmd_notify.c \
	%D%/notify.c %D%/notify.h %D%/notify_private.h \
	%D%/notify_fetch.c \
	%D%/notify_look.c %D%/notify_rows.c \
	%D%/notify_request.c %D%/notify_request.h \
	%D%/notify_table.c \
	%D%/notify_write.c \
	%D%/special_use.c \
	%D%/special_use.h \
	%D%/status.h \
	%D%/session_rights.c %D%/session_rights.h \
	%D%/told.c \
	%D%/told.h \
	%D%/told_private.h \
	%D%/told_write.c
# messages: FETCH, SEARCH, STORE, COPY, MOVE, EXPUNGE
libimapd_a_SOURCES += \
	%D%/cmd_cancelupdate.c \
	%D%/cmd_copy.c \
	%D%/cmd_esearch.c \
	%D%/cmd_expunge.c \
	%D%/cmd_fetch.c \
	%D%/cmd_search.c \
	%D%/cmd_sort.c \
	%D%/cmd_store.c \
	%D%/cmd_thread.c \
	%D%/cmd_uidbatches.c \
	%D%/context.c %D%/context.h %D%/context_private.h \
	%D%/context_list.c %D%/context_list.h \
	%D%/context_result.c \
	%D%/context_tell.c \
	%D%/facts_read.c %D%/facts_read.h \
	%D%/fetch_binary.c %D%/fetch_binary.h \
	%D%/fetch_body.c %D%/fetch_body.h \
	%D%/fetch_items.c %D%/fetch_items.h \
	%D%/fetch_listed.c %D%/fetch_listed.h \
	%D%/fetch_preview.c %D%/fetch_preview.h \
	%D%/fetch_run.c %D%/fetch_run.h \
	%D%/fetch_value.c %D%/fetch_value.h \
	%D%/fetch_modifiers.c %D%/fetch_modifiers.h \
	%D%/message_limit.c %D%/message_limit.h \
	%D%/modseq.c %D%/modseq.h \
	%D%/own_flags.c %D%/own_flags.h \
	%D%/resync.c %D%/resync.h \
	%D%/mailbox_filter.c %D%/mailbox_filter.h \
	%D%/progress.c %D%/progress.h \
	%D%/saved.c %D%/saved.h \
	%D%/search_answer.c %D%/search_answer.h \
	%D%/preview_text.c %D%/preview_text.h \
	%D%/search_body.c %D%/search_charset.c %D%/search_charset.h %D%/search_body.h \
	%D%/search_index.c %D%/search_index.h \
	%D%/search_keys.c \
	%D%/search_match.c %D%/search_match.h \
	%D%/search_nodes.c \
	%D%/search_parse.c %D%/search_parse.h %D%/search_parse_private.h \
	%D%/search_result.c %D%/search_result.h \
	%D%/search_return.c %D%/search_return.h \
	%D%/search_run.c %D%/search_run.h \
	%D%/search_scope.c %D%/search_scope.h \
	%D%/search_score.c %D%/search_score.h \
	%D%/sort_items.c %D%/sort_items.h \
	%D%/sort_parse.c %D%/sort_parse.h \
	%D%/sort_run.c %D%/sort_run.h \
	%D%/thread_forest.c %D%/thread_forest.h %D%/thread_private.h \
	%D%/thread_links.c \
	%D%/thread_subjects.c \
	%D%/thread_table.c %D%/thread_table.h \
	%D%/thread_write.c %D%/thread_write.h \
	%D%/told_walk.h \
	%D%/vanished.c %D%/vanished.h
IMAPD_LIBS = libimapd.a libsearch.a $(DAEMON_LIBS)

sbin_PROGRAMS += imapd/imapd
imapd_imapd_SOURCES = %D%/main.c
imapd_imapd_LDADD = $(IMAPD_LIBS) $(OUTSIDE_LIBS)
