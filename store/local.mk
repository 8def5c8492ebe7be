noinst_LIBRARIES += libstore.a
libstore_a_SOURCES =
libstore_a_SOURCES += \
	%D%/uidset.c %D%/uidset.h \
	%D%/view.c %D%/view.h %D%/view_private.h \
	%D%/view_advance.c \
	%D%/view_build.c
