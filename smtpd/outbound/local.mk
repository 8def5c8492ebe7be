# Sending: a library of its own, so that its parts are tested without the daemon around them.
noinst_LIBRARIES += liboutbound.a
# what stands between the parts
liboutbound_a_SOURCES = %D%/job.h
# where mail goes
liboutbound_a_SOURCES += \
	%D%/route.h %D%/route_private.h \
	%D%/route_address.c \
	%D%/route_build.c \
	%D%/route_facts.c \
	%D%/route_lookup.c \
	%D%/route_rule.c \
	%D%/route_sts.c \
	%D%/sts_fetch.c %D%/sts_fetch.h \
	%D%/sts_policy.c %D%/sts_policy.h \
	%D%/router.c
# the client
liboutbound_a_SOURCES += \
	%D%/client.c %D%/client.h %D%/client_private.h \
	%D%/client_auth.c %D%/client_body.c %D%/client_job.c %D%/client_mail.c %D%/client_tls.c \
	%D%/ascii_domains.c %D%/ascii_domains.h \
	%D%/content.c %D%/content.h %D%/content_queue.c \
	%D%/dot_writer.c %D%/dot_writer.h \
	%D%/downgrade.c %D%/downgrade.h \
	%D%/envelope.c %D%/envelope.h \
	%D%/offers.c %D%/offers.h \
	%D%/reply.c %D%/reply.h \
	%D%/cte_writer.c %D%/cte_writer.h
# signatures
liboutbound_a_SOURCES += %D%/outgoing.c %D%/outgoing.h %D%/outgoing_keys.c %D%/outgoing_keys.h \
	%D%/onward.c %D%/onward.h
# reports to senders
liboutbound_a_SOURCES += %D%/report.c %D%/report.h %D%/report_text.c %D%/report_text.h \
	%D%/tlsrpt.c %D%/tlsrpt.h %D%/tlsrpt_ask.c %D%/tlsrpt_ask.h %D%/tlsrpt_report.c %D%/tlsrpt_report.h
# the fields that both halves of smtpd write
liboutbound_a_SOURCES += %D%/trace_fields.c %D%/trace_fields.h %D%/srs_sender.c %D%/srs_sender.h
# the scheduler and the runner
liboutbound_a_SOURCES += \
	%D%/attempt.c \
	%D%/inside.c \
	%D%/list.h \
	%D%/local.c \
	%D%/parcel.c \
	%D%/results.c \
	%D%/runner.c %D%/runner.h %D%/runner_private.h %D%/runner_record.c %D%/runner_clock.c \
	%D%/chain.c %D%/chain.h %D%/prepare.c %D%/prepare.h \
	%D%/scheduler.c %D%/scheduler.h %D%/scheduler_private.h \
	%D%/scheduler_links.c \
	%D%/scheduler_pauses.c \
	%D%/scheduler_provider.c \
	%D%/scheduler_rows.c \
	%D%/table.c %D%/table.h
