# ctl: the `pillarbox` command. All but main.c is a library, so that tests can call its parts.
noinst_LIBRARIES += libctl.a
libctl_a_SOURCES = \
	%D%/account.c \
	%D%/alias.c \
	%D%/ca.c %D%/ca.h \
	%D%/check.c \
	%D%/common.c %D%/ctl.h \
	%D%/daemons.c %D%/daemons.h \
	%D%/dkim.c \
	%D%/dkim_verify.c \
	%D%/dns.c \
	%D%/dns_look.c \
	%D%/dns_records.c %D%/dns_records.h \
	%D%/domain.c \
	%D%/figures.c %D%/figures.h %D%/figures_words.c \
	%D%/forward.c \
	%D%/init.c \
	%D%/mailbox.c \
	%D%/options.c \
	%D%/pidfile.c %D%/pidfile.h \
	%D%/ports.c %D%/ports.h \
	%D%/queue.c \
	%D%/queue_change.c \
	%D%/queue_words.c %D%/queue_words.h \
	%D%/run.c \
	%D%/sending.c \
	%D%/sockets.c %D%/sockets.h \
	%D%/status.c \
	%D%/stop.c \
	%D%/suppression.c \
	%D%/trace.c %D%/trace.h \
	%D%/views.c \
	%D%/words.c %D%/words.h

bin_PROGRAMS += ctl/pillarbox
ctl_pillarbox_SOURCES = %D%/main.c
ctl_pillarbox_LDADD = libctl.a libdns.a $(DAEMON_LIBS) $(UNBOUND_LIBS) $(OUTSIDE_LIBS)
