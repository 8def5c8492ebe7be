# The sessions are a library so that tests run them without the daemon around them.
noinst_LIBRARIES += libpop3d.a
libpop3d_a_SOURCES = \
	%D%/cmd_auth.c \
	%D%/cmd_quit.c \
	%D%/cmd_retr.c \
	%D%/cmd_simple.c \
	%D%/cmd_transaction.c \
	%D%/dot_stuff.c %D%/dot_stuff.h \
	%D%/maildrop.c %D%/maildrop.h \
	%D%/pop3_commands.c %D%/pop3_commands.h \
	%D%/pop3_dispatch.c %D%/pop3_dispatch.h \
	%D%/pop3_reply.c %D%/pop3_reply.h \
	%D%/pop3_session.c %D%/pop3_session.h \
	%D%/pop3_text.c %D%/pop3_text.h \
	%D%/read_ahead.c %D%/read_ahead.h

sbin_PROGRAMS += pop3d/pop3d
pop3d_pop3d_SOURCES = %D%/main.c
pop3d_pop3d_LDADD = libpop3d.a $(DAEMON_LIBS) $(OUTSIDE_LIBS)
