noinst_LIBRARIES += libsandbox.a
libsandbox_a_SOURCES = \
	%D%/calls.c %D%/calls.h \
	%D%/filter.c \
	%D%/landlock.c \
	%D%/privileges.c %D%/privileges.h \
	%D%/sandbox.c %D%/sandbox.h %D%/sandbox_private.h
