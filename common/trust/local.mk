noinst_LIBRARIES += libtrust.a
libtrust_a_SOURCES = \
	%D%/dkim.h %D%/dkim_private.h \
	%D%/dkim_body.c \
	%D%/dkim_key.c \
	%D%/dkim_sign.c \
	%D%/dkim_verify.c \
	%D%/fields.c %D%/fields.h \
	%D%/tags.c %D%/tags.h
