noinst_LIBRARIES += libdns.a
libdns_a_SOURCES = \
	%D%/dns.c %D%/dns.h %D%/dns_private.h \
	%D%/dns_name.c \
	%D%/dns_parse.c \
	%D%/dns_resolver.c \
	%D%/dns_trust.c
