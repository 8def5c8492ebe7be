# tests/store
check_PROGRAMS += tests/store/test_sync
tests_store_test_sync_SOURCES = %D%/test_sync.c
tests_store_test_sync_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_sync_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_processes
tests_store_test_processes_SOURCES = %D%/test_processes.c
tests_store_test_processes_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_processes_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_account
tests_store_test_account_SOURCES = %D%/test_account.c
tests_store_test_account_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_account_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_uidset
tests_store_test_uidset_SOURCES = %D%/test_uidset.c
tests_store_test_uidset_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_uidset_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_view
tests_store_test_view_SOURCES = %D%/test_view.c
tests_store_test_view_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_view_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_changes
tests_store_test_changes_SOURCES = %D%/test_changes.c
tests_store_test_changes_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_changes_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_mailbox
tests_store_test_mailbox_SOURCES = %D%/test_mailbox.c
tests_store_test_mailbox_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_mailbox_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_directory
tests_store_test_directory_SOURCES = %D%/test_directory.c
tests_store_test_directory_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_directory_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/store/test_transfer
tests_store_test_transfer_SOURCES = %D%/test_transfer.c %D%/fixture.c %D%/fixture.h
tests_store_test_transfer_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_transfer_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_message_faults
tests_store_test_message_faults_SOURCES = %D%/test_message_faults.c %D%/fixture.c %D%/fixture.h
tests_store_test_message_faults_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_message_faults_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_message
tests_store_test_message_SOURCES = %D%/test_message.c %D%/fixture.c %D%/fixture.h
tests_store_test_message_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_message_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_spool_memory
tests_store_test_spool_memory_SOURCES = %D%/test_spool_memory.c %D%/fixture.c %D%/fixture.h
tests_store_test_spool_memory_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_spool_memory_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_resolve
tests_store_test_resolve_SOURCES = %D%/test_resolve.c
tests_store_test_resolve_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_resolve_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/store/test_message_processes
tests_store_test_message_processes_SOURCES = %D%/test_message_processes.c %D%/fixture.c %D%/fixture.h
tests_store_test_message_processes_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_message_processes_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_message_model
tests_store_test_message_model_SOURCES = %D%/test_message_model.c %D%/fixture.c %D%/fixture.h
tests_store_test_message_model_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_message_model_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)


check_PROGRAMS += tests/store/test_database
tests_store_test_database_SOURCES = %D%/test_database.c %D%/database_fixture.c %D%/database_fixture.h
tests_store_test_database_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_database_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_database_disk
tests_store_test_database_disk_SOURCES = %D%/test_database_disk.c %D%/database_fixture.c %D%/database_fixture.h
tests_store_test_database_disk_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_database_disk_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_database_wal
tests_store_test_database_wal_SOURCES = %D%/test_database_wal.c %D%/database_fixture.c %D%/database_fixture.h
tests_store_test_database_wal_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_database_wal_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_pool
tests_store_test_pool_SOURCES = %D%/test_pool.c %D%/database_fixture.c %D%/database_fixture.h
tests_store_test_pool_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_pool_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_schema
tests_store_test_schema_SOURCES = %D%/test_schema.c %D%/database_fixture.c %D%/database_fixture.h
tests_store_test_schema_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_schema_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_faults
tests_store_test_faults_SOURCES = %D%/test_faults.c %D%/fixture.c %D%/fixture.h
tests_store_test_faults_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_faults_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_reader
tests_store_test_reader_SOURCES = %D%/test_reader.c %D%/fixture.c %D%/fixture.h
tests_store_test_reader_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_reader_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/store/test_fan_out
tests_store_test_fan_out_SOURCES = %D%/test_fan_out.c %D%/fixture.c %D%/fixture.h
tests_store_test_fan_out_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_fan_out_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_view_cache
tests_store_test_view_cache_SOURCES = %D%/test_view_cache.c %D%/fixture.c %D%/fixture.h
tests_store_test_view_cache_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_view_cache_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/store/test_growth
tests_store_test_growth_SOURCES = %D%/test_growth.c
tests_store_test_growth_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_growth_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/store/test_entry_page
tests_store_test_entry_page_SOURCES = %D%/test_entry_page.c
tests_store_test_entry_page_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_entry_page_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_entries
tests_store_test_entries_SOURCES = %D%/test_entries.c %D%/fixture.c %D%/fixture.h
tests_store_test_entries_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_entries_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_cleaner
tests_store_test_cleaner_SOURCES = %D%/test_cleaner.c %D%/fixture.c %D%/fixture.h
tests_store_test_cleaner_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_cleaner_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_migration
tests_store_test_migration_SOURCES = %D%/test_migration.c %D%/fixture.c %D%/fixture.h
tests_store_test_migration_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_migration_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_annotation
tests_store_test_annotation_SOURCES = %D%/test_annotation.c
tests_store_test_annotation_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_annotation_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_acl
tests_store_test_acl_SOURCES = %D%/test_acl.c %D%/fixture.c %D%/fixture.h
tests_store_test_acl_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_acl_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_seen
tests_store_test_seen_SOURCES = %D%/test_seen.c %D%/fixture.c %D%/fixture.h
tests_store_test_seen_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_seen_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_transferred
tests_store_test_transferred_SOURCES = %D%/test_transferred.c %D%/fixture.c %D%/fixture.h
tests_store_test_transferred_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_transferred_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_boot
tests_store_test_boot_SOURCES = %D%/test_boot.c %D%/fixture.c %D%/fixture.h
tests_store_test_boot_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_boot_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/store/test_queue
tests_store_test_queue_SOURCES = %D%/test_queue.c %D%/queue_fixture.c %D%/queue_fixture.h %D%/fixture.c %D%/fixture.h
tests_store_test_queue_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_queue_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_trace
tests_store_test_trace_SOURCES = %D%/test_trace.c %D%/fixture.c %D%/fixture.h
tests_store_test_trace_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_trace_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_sending
tests_store_test_sending_SOURCES = %D%/test_sending.c %D%/queue_fixture.c %D%/queue_fixture.h %D%/fixture.c %D%/fixture.h
tests_store_test_sending_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_sending_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_queue_faults
tests_store_test_queue_faults_SOURCES = %D%/test_queue_faults.c %D%/queue_fixture.c %D%/queue_fixture.h %D%/fixture.c %D%/fixture.h
tests_store_test_queue_faults_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_queue_faults_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)


# deliveries from the queue
check_PROGRAMS += tests/store/test_from_queue
tests_store_test_from_queue_SOURCES = %D%/test_from_queue.c %D%/queue_fixture.c %D%/queue_fixture.h %D%/fixture.c %D%/fixture.h
tests_store_test_from_queue_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_from_queue_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/store/test_durable_names
tests_store_test_durable_names_SOURCES = %D%/test_durable_names.c %D%/fixture.c %D%/fixture.h
tests_store_test_durable_names_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_durable_names_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
# rows of signing keys in memory
check_PROGRAMS += tests/store/test_signing_key_cache
tests_store_test_signing_key_cache_SOURCES = %D%/test_signing_key_cache.c
tests_store_test_signing_key_cache_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_signing_key_cache_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/store/test_queue_clock
tests_store_test_queue_clock_SOURCES = %D%/test_queue_clock.c %D%/queue_fixture.c %D%/queue_fixture.h %D%/fixture.c %D%/fixture.h
tests_store_test_queue_clock_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_store_test_queue_clock_LDADD = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
