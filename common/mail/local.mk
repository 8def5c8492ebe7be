noinst_LIBRARIES += libmail.a
libmail_a_SOURCES = \
	%D%/base_subject.c %D%/base_subject.h \
	%D%/body.c \
	%D%/bodystructure.c \
	%D%/codec.c %D%/codec.h \
	%D%/date.c %D%/date.h \
	%D%/envelope.c \
	%D%/header.c %D%/header.h \
	%D%/message_index.c %D%/message_index.h \
	%D%/message_id.c %D%/message_id.h \
	%D%/mime_boundaries.c \
	%D%/mime_fields.c \
	%D%/mime_params.c \
	%D%/mime_private.h \
	%D%/mime_tree.c %D%/mime_tree.h \
	%D%/parts.c %D%/parts.h \
	%D%/utf7.c %D%/utf7.h \
	%D%/wire.c \
	%D%/address.c %D%/address.h \
	%D%/charset.c %D%/charset.h %D%/charset_private.h \
	%D%/charset_load.c \
	%D%/charset_stream.c %D%/charset_stream.h \
	%D%/text_fold.c \
	%D%/words.c \
	%D%/xtext.c %D%/xtext.h
