# The sessions are a library so that tests and fuzz targets run them without the daemon around them.
noinst_LIBRARIES += libsmtpd.a
libsmtpd_a_SOURCES = \
	%D%/accepted.c %D%/accepted.h \
	%D%/cmd_auth.c %D%/cmd_bdat.c %D%/cmd_data.c %D%/cmd_ehlo.c %D%/cmd_mail.c %D%/cmd_rcpt.c \
	%D%/cmd_simple.c %D%/cmd_starttls.c \
	%D%/data_reader.c %D%/data_reader.h \
	%D%/deliver.c %D%/deliver.h \
	%D%/enqueue.c %D%/enqueue.h \
	%D%/forward.c %D%/forward.h \
	%D%/header_filter.c %D%/header_filter.h \
	%D%/incoming.c %D%/incoming.h \
	%D%/partial.c %D%/partial.h \
	%D%/policy.c %D%/policy.h \
	%D%/queue_figures.c %D%/queue_figures.h \
	%D%/sending_policy.c %D%/sending_policy.h \
	%D%/smtp_commands.c %D%/smtp_commands.h \
	%D%/smtp_dispatch.c \
	%D%/smtp_params.c %D%/smtp_params.h \
	%D%/smtp_parse.c %D%/smtp_parse.h \
	%D%/smtp_reply.c %D%/smtp_reply.h \
	%D%/smtp_session.c %D%/smtp_session.h

sbin_PROGRAMS += smtpd/smtpd
smtpd_smtpd_SOURCES = %D%/main.c
smtpd_smtpd_LDADD = libsmtpd.a $(OUTBOUND_LIBS) $(DAEMON_LIBS) $(OUTSIDE_LIBS) $(UNBOUND_LIBS)
