noinst_LIBRARIES += libstore.a
# the ground: databases, directory, accounts, folder tree
libstore_a_SOURCES = \
	%D%/account.c %D%/account.h %D%/account_private.h \
	%D%/annotation.c %D%/annotation.h %D%/annotation_private.h \
	%D%/acl.c %D%/acl.h %D%/acl_private.h \
	%D%/check.c %D%/check_private.h \
	%D%/check_pages.c \
	%D%/database.c %D%/database.h \
	%D%/db.c %D%/db.h %D%/db_private.h \
	%D%/db_file.c \
	%D%/db_stamp.c \
	%D%/damage.c %D%/damage.h \
	%D%/directory.h %D%/directory_private.h \
	%D%/directory_account.c \
	%D%/directory_address.c \
	%D%/directory_alias.c \
	%D%/directory_domain.c \
	%D%/directory_forward.c \
	%D%/directory_login.c \
	%D%/directory_resolve.c \
	%D%/directory_target.c \
	%D%/expunged.c \
	%D%/expunged.h \
	%D%/file.c %D%/file.h \
	%D%/repair.c %D%/repair.h %D%/repair_private.h \
	%D%/repair_rows.c \
	%D%/repair_messages.c \
	%D%/repair_mailboxes.c \
	%D%/salvage.c %D%/salvage.h \
	%D%/from_queue.c %D%/from_queue.h \
	%D%/helpers.c %D%/helpers.h \
	%D%/mailbox.h %D%/mailbox_private.h \
	%D%/mailbox_create.c \
	%D%/mailbox_delete.c \
	%D%/mailbox_list.c \
	%D%/mailbox_name.c \
	%D%/mailbox_rename.c \
	%D%/pool.c \
	%D%/promise.h %D%/sync.c %D%/waiter.c %D%/waiter.h \
	%D%/queue.h %D%/queue_private.h \
	%D%/queue_add.c %D%/queue_job.c \
	%D%/queue_change.c \
	%D%/queue_check.c \
	%D%/queue_clock.c \
	%D%/queue_list.c \
	%D%/queue_octets.c \
	%D%/queue_open.c \
	%D%/queue_pass_on.c \
	%D%/queue_pause.c \
	%D%/queue_read.c \
	%D%/queue_record.c \
	%D%/quota.c \
	%D%/tls_sessions.c %D%/tls_sessions.h \
	%D%/schema.c %D%/schema.h %D%/schema_account.c %D%/schema_directory.c %D%/schema_names.c %D%/schema_pages.c %D%/schema_queue.c %D%/schema_trace.c %D%/schema_views.c \
	%D%/sending.c %D%/sending.h \
	%D%/service.c %D%/service.h \
	%D%/share.c %D%/share.h \
	%D%/signing_key.c %D%/signing_key.h %D%/signing_key_private.h \
	%D%/signing_key_cache.c \
	%D%/sts_cache.c %D%/sts_cache.h \
	%D%/store.c %D%/store.h %D%/store_private.h \
	%D%/suppression.c %D%/suppression.h \
	%D%/trace.c %D%/trace.h %D%/trace_private.h \
	%D%/trace_find.c \
	%D%/trace_write.c \
	%D%/txn.c \
	%D%/upkeep.c %D%/upkeep.h \
	%D%/write.c %D%/write_private.h
# messages, views and the bus
libstore_a_SOURCES += \
	%D%/boot.c %D%/boot.h \
	%D%/changes.c %D%/changes.h %D%/changes_private.h \
	%D%/cleaner.c %D%/cleaner.h \
	%D%/entries.c %D%/entries.h \
	%D%/entry_page.c %D%/entry_page.h \
	%D%/message.h %D%/message_private.h \
	%D%/message_copy.c %D%/message_copy.h \
	%D%/message_transfer.c \
	%D%/message_expunge.c \
	%D%/message_file.c %D%/message_file.h \
	%D%/message_flags.c \
	%D%/message_ids.c %D%/message_ids.h \
	%D%/message_in.c \
	%D%/message_insert.c %D%/message_insert.h \
	%D%/message_keywords.c \
	%D%/message_rows.c \
	%D%/message_stage.c %D%/message_stage.h \
	%D%/peers.c %D%/peers.h \
	%D%/reader.c %D%/reader.h \
	%D%/rights.h \
	%D%/row_walk.c %D%/row_walk.h \
	%D%/seen.c %D%/seen.h \
	%D%/spool.c %D%/spool_private.h \
	%D%/threads.c %D%/threads.h %D%/threads_private.h \
	%D%/tombstone.c \
	%D%/uidset.c %D%/uidset.h \
	%D%/view.c %D%/view.h %D%/view_private.h \
	%D%/view_advance.c \
	%D%/view_build.c \
	%D%/view_cache.c \
	%D%/view_load.c \
	%D%/watchers.c %D%/watchers.h
