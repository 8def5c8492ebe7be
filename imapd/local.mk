# imapd: all but main.c is a library, so that tests can hold whole conversations in process
noinst_LIBRARIES += libimapd.a
libimapd_a_SOURCES = \
	%D%/imap_command.h \
	%D%/imap_dispatch.h \
	%D%/imap_handlers.h \
	%D%/imap_parse.h \
	%D%/imap_session.h \
	%D%/imap_write.h \
	%D%/pump.h \
	%D%/told.h
IMAPD_LIBS = libimapd.a $(DAEMON_LIBS)
