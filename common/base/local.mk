noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	%D%/arena.c %D%/arena.h \
	%D%/cleanup.h \
	%D%/clock.c %D%/clock.h \
	%D%/conf.c %D%/conf.h %D%/conf_options.c %D%/conf_options.h %D%/conf_suggest.c \
	%D%/conf_blocks.c %D%/conf_private.h \
	%D%/conf_value.c %D%/conf_write.c \
	%D%/cursor.c %D%/cursor.h \
	%D%/err.c %D%/err.h %D%/fullness.h \
	%D%/json.c %D%/json.h \
	%D%/log.c %D%/log.h \
	%D%/log_ration.c %D%/log_ration.h \
	%D%/sbuf.c %D%/sbuf.h \
	%D%/shown.c %D%/shown.h \
	%D%/siphash.c %D%/siphash.h \
	%D%/str.c %D%/str.h
