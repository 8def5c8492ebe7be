noinst_LIBRARIES += libmetrics.a
libmetrics_a_SOURCES = \
	%D%/histogram.c %D%/histogram.h \
	%D%/metrics.c %D%/metrics.h \
	%D%/names.h \
	%D%/recent.c %D%/recent.h \
	%D%/summary.c %D%/summary.h \
	%D%/text.c %D%/text.h
