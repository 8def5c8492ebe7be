noinst_LIBRARIES += libauth.a
libauth_a_SOURCES = \
	%D%/http_answer.c \
	%D%/http_fetch.c %D%/http_fetch.h \
	%D%/jwt.c %D%/jwt.h %D%/jwt_keys.c %D%/jwt_private.h \
	%D%/login_cache.c \
	%D%/oauth.c %D%/oauth.h \
	%D%/oauth_provider.c %D%/oauth_provider.h \
	%D%/password.c %D%/password.h \
	%D%/password_line.c %D%/password_line.h \
	%D%/prep.c %D%/prep.h \
	%D%/sasl.c %D%/sasl.h %D%/sasl_private.h \
	%D%/sasl_external.c \
	%D%/sasl_oauth.c \
	%D%/sasl_plain.c \
	%D%/sasl_scram.c \
	%D%/scram_client.c %D%/scram_client.h \
	%D%/scram_keys.c %D%/scram_keys.h \
	%D%/standing.c %D%/standing.h
