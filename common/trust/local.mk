noinst_LIBRARIES += libtrust.a
libtrust_a_SOURCES = \
	%D%/arc.c %D%/arc.h %D%/arc_private.h \
	%D%/arc_seal.c \
	%D%/arc_verify.c \
	%D%/dkim.h %D%/dkim_private.h \
	%D%/dkim_body.c \
	%D%/dkim_key.c \
	%D%/dkim_sign.c \
	%D%/dkim_verify.c \
	%D%/fields.c %D%/fields.h \
	%D%/srs.c %D%/srs.h \
	%D%/tags.c %D%/tags.h
