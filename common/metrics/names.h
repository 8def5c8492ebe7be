/* common/metrics/names.h - every figure that a daemon keeps of itself, a row each.
 *
 * The member of struct metrics_cells, how many series it has at most, the label that tells them
 * apart (NULL: there is one), whose it is, and what it means. Labels take their values from tables
 * of ours, never from what a peer sent: their number is bounded by the second column. The name on
 * the outside is pillarbox_<member>, with _total behind what only grows and _seconds behind times.
 */
#ifndef COMMON_METRICS_NAMES_H
#define COMMON_METRICS_NAMES_H

#define METRIC_COMMANDS_MAX 64
#define METRIC_ERRORS_MAX 48
#define METRIC_REPLIES_MAX 48
#define METRIC_LISTENERS_MAX 8

/* Whose they are: a family of ALL is told apart by the label `daemon`. */
#define METRIC_OF_SMTPD 1u
#define METRIC_OF_POP3D 2u
#define METRIC_OF_IMAPD 4u
#define METRIC_OF_ALL (METRIC_OF_SMTPD | METRIC_OF_POP3D | METRIC_OF_IMAPD)

/* clang-format off */

/* member, kind, series, label, whose, meaning. SUM only grows; STATE goes up and down; TAKEN grows
 * and is counted elsewhere; MICROS is a TAKEN in microseconds, shown as seconds. */
#define METRIC_COUNTS(X) \
	X(build_info, STATE, 1, "version", ALL, "The version that runs; always 1.") \
	X(start_time_seconds, STATE, 1, NULL, ALL, "When the daemon started, in seconds since 1970.") \
	X(cpu_seconds, MICROS, 1, NULL, ALL, "Time of processors used, by the daemon and by the system for it.") \
	X(resident_memory_bytes, STATE, 1, NULL, ALL, "Memory in use that is the daemon's own.") \
	X(open_connections, STATE, METRIC_LISTENERS_MAX, "listener", ALL, "Connections that are open.") \
	X(connections, SUM, METRIC_LISTENERS_MAX, "listener", ALL, "Connections that were accepted.") \
	X(connections_refused, SUM, 5, "limit", ALL, "Connections that were refused since a limit was reached.") \
	X(connections_shed, SUM, 1, NULL, ALL, "Connections that were ended for want of memory: they kept the daemon waiting.") \
	X(accept_pauses, SUM, 1, NULL, ALL, "Times that a port rested since nothing could be accepted: no descriptors, no memory.") \
	X(tls_handshakes, SUM, 4, "result", ALL, "TLS handshakes of clients: the version, or failed.") \
	X(received_bytes, SUM, 1, NULL, ALL, "Octets read from peers, as they are behind TLS.") \
	X(sent_bytes, SUM, 1, NULL, ALL, "Octets written to peers, as they are before TLS.") \
	X(unread_bytes, STATE, 1, NULL, ALL, "Output that peers have not taken yet.") \
	X(workers, STATE, 2, "pool", ALL, "Threads that run commands; those of front serve who is not logged in.") \
	X(workers_busy, STATE, 2, "pool", ALL, "Of them, those at work now.") \
	X(tasks_waiting, STATE, 2, "pool", ALL, "Work that waits for a thread.") \
	X(logins, SUM, 12, "mechanism", ALL, "Logins that succeeded.") \
	X(login_failures, SUM, 12, "mechanism", ALL, "Logins that failed: a wrong name, password or token.") \
	X(login_cache_hits, SUM, 1, NULL, ALL, "Passwords that were known from a login before.") \
	X(login_cache_misses, SUM, 1, NULL, ALL, "Passwords that had to be computed.") \
	X(passwords_waiting, STATE, 1, NULL, ALL, "Passwords that wait to be computed.") \
	X(passwords_refused, SUM, 1, NULL, ALL, "Passwords that were not computed, since too many waited.") \
	X(errors, SUM, METRIC_ERRORS_MAX, "code", ALL, "Commands that were refused, by the error.") \
	X(store_errors, SUM, METRIC_ERRORS_MAX, "code", ALL, "Failures of databases and files.") \
	X(log_lines, TAKEN, 4, "level", ALL, "Lines written to the log.") \
	X(log_lines_lost, TAKEN, 1, NULL, ALL, "Lines that the log did not take.") \
	X(database_reads, SUM, 1, NULL, ALL, "Reads of databases that were begun.") \
	X(database_writes, SUM, 1, NULL, ALL, "Operations that write to databases.") \
	X(database_transactions, SUM, 1, NULL, ALL, "Transactions that they shared.") \
	X(database_handles_opened, SUM, 1, NULL, ALL, "Databases that had to be opened.") \
	X(database_handles_reused, SUM, 1, NULL, ALL, "Databases that were open already.") \
	X(database_handles, STATE, 1, NULL, ALL, "Handles of databases that are open.") \
	X(database_lock_timeouts, SUM, 1, NULL, ALL, "Locks that another process held for too long.") \
	X(views_loaded, SUM, 1, NULL, ALL, "Views of mailboxes that had to be caught up with the database.") \
	X(views_reused, SUM, 1, NULL, ALL, "Views of mailboxes that were as the database is.") \
	X(messages_stored, SUM, 1, NULL, ALL, "Messages put into mailboxes: delivered or appended.") \
	X(messages_stored_bytes, SUM, 1, NULL, ALL, "Their octets.") \
	X(smtp_commands, SUM, METRIC_COMMANDS_MAX, "command", SMTPD, "Commands of SMTP and LMTP.") \
	X(smtp_replies, SUM, METRIC_REPLIES_MAX, "code", SMTPD, "Replies to them.") \
	X(smtp_messages, SUM, 1, NULL, SMTPD, "Messages that were accepted.") \
	X(smtp_message_bytes, SUM, 1, NULL, SMTPD, "Their octets.") \
	X(smtp_recipients, SUM, 2, "result", SMTPD, "Recipients that RCPT accepted or refused.") \
	X(queue_added, SUM, 1, NULL, SMTPD, "Messages put into the queue.") \
	X(queue_results, SUM, 8, "result", SMTPD, "What recipients in the queue came to, each try counted.") \
	X(queue_messages, STATE, 1, NULL, SMTPD, "Messages in the queue.") \
	X(queue_bytes, STATE, 1, NULL, SMTPD, "Their octets.") \
	X(queue_recipients, STATE, 3, "state", SMTPD, "Recipients in the queue: never tried, tried before, held.") \
	X(queue_oldest_seconds, STATE, 1, NULL, SMTPD, "Age of the oldest message in the queue.") \
	X(queue_paused, STATE, 1, NULL, SMTPD, "Domains and hosts that are paused.") \
	X(outbound_connections, SUM, 2, "result", SMTPD, "Connections to other servers.") \
	X(open_outbound_connections, STATE, 1, NULL, SMTPD, "Those that are open.") \
	X(dns_questions, SUM, 1, NULL, SMTPD, "Questions to the DNS that no cache of ours answered.") \
	X(dns_failures, SUM, 2, "kind", SMTPD, "Questions without an answer, and answers that are forged.") \
	X(pop3_commands, SUM, METRIC_COMMANDS_MAX, "command", POP3D, "Commands of POP3.") \
	X(pop3_messages, SUM, 1, NULL, POP3D, "Messages that were retrieved.") \
	X(pop3_message_bytes, SUM, 1, NULL, POP3D, "Their octets.") \
	X(pop3_deleted, SUM, 1, NULL, POP3D, "Messages that were deleted.") \
	X(imap_commands, SUM, METRIC_COMMANDS_MAX, "command", IMAPD, "Commands of IMAP.") \
	X(imap_idling, STATE, 1, NULL, IMAPD, "Sessions in IDLE.") \
	X(search_segments, SUM, 1, NULL, IMAPD, "Segments of the search index that were made.")

/* Times: how often, how long in all, and how they are spread. */
#define METRIC_TIMES(X) \
	X(password_check, 1, NULL, ALL, "Computing a password that no cache knew.") \
	X(database_write, 1, NULL, ALL, "An operation that writes, from its queue to its commit, or to its sync where it waits for that.") \
	X(database_sync, 1, NULL, ALL, "A sync of a database's log.") \
	X(database_sync_wait, 1, NULL, ALL, "What was waited for syncs of commits made before.") \
	X(smtp_command, METRIC_COMMANDS_MAX, "command", SMTPD, "A command line at work on a thread.") \
	X(smtp_delivery, 1, NULL, SMTPD, "From the end of a message to its reply: durable everywhere.") \
	X(queue_age, 1, NULL, SMTPD, "From acceptance to delivery at another server.") \
	X(dns_answer, 1, NULL, SMTPD, "From a question to the DNS to its answer.") \
	X(pop3_command, METRIC_COMMANDS_MAX, "command", POP3D, "A command at work on a thread.") \
	X(imap_command, METRIC_COMMANDS_MAX, "command", IMAPD, "From the last octet of a command to its tagged reply.")
/* clang-format on */

#endif
