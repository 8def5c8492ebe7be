# The sessions are a library so that tests and fuzz targets run them without the daemon around them.
noinst_LIBRARIES += libsmtpd.a
libsmtpd_a_SOURCES = \
	%D%/data_reader.c %D%/data_reader.h \
	%D%/smtp_parse.c %D%/smtp_parse.h
