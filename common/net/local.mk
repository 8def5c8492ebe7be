noinst_LIBRARIES += libnet.a
libnet_a_SOURCES = \
	%D%/conn.c %D%/conn.h %D%/conn_private.h \
	%D%/conn_look.c %D%/conn_memory.c %D%/conn_run.c \
	%D%/deadline.c \
	%D%/deflate.c %D%/deflate.h \
	%D%/dial.c %D%/dial.h \
	%D%/files.c %D%/files.h \
	%D%/handshake.c \
	%D%/hub.c %D%/hub.h \
	%D%/inherited.c %D%/inherited.h \
	%D%/limits.c %D%/limits.h \
	%D%/line.c %D%/line.h \
	%D%/listeners.c %D%/listeners.h \
	%D%/loop.c %D%/loop.h \
	%D%/memory.c %D%/memory.h \
	%D%/notify.c %D%/notify.h \
	%D%/octets.c \
	%D%/prompt.c %D%/prompt.h \
	%D%/refusals.c %D%/refusals.h \
	%D%/scrape.c %D%/scrape.h \
	%D%/server.c %D%/server.h %D%/server_figures.c %D%/server_private.h \
	%D%/shut_in.c %D%/shut_in.h \
	%D%/tls.c %D%/tls.h \
	%D%/tls_client.c %D%/tls_client.h \
	%D%/transport.c \
	%D%/workers.c %D%/workers.h
