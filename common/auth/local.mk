noinst_LIBRARIES += libauth.a
libauth_a_SOURCES = \
	%D%/login_cache.c \
	%D%/password.c %D%/password.h \
	%D%/prep.c %D%/prep.h \
	%D%/sasl.c %D%/sasl.h %D%/sasl_private.h \
	%D%/sasl_plain.c \
	%D%/sasl_scram.c \
	%D%/scram_keys.c %D%/scram_keys.h
