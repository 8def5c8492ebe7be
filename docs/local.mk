# docs: manual pages; that of the configuration file is made from its table of options
dist_man_MANS += %D%/pillarbox.1 %D%/smtpd.8 %D%/pop3d.8 %D%/imapd.8
man_MANS += docs/pillarbox.conf.5
CLEANFILES += docs/pillarbox.conf.5
EXTRA_DIST += %D%/ARCHITECTURE.md %D%/LOG.md %D%/PERFORMANCE.md %D%/RELIABILITY.md %D%/STYLE.md %D%/TESTING.md

noinst_PROGRAMS += docs/confman
docs_confman_SOURCES = %D%/confman.c
docs_confman_LDADD = $(BASE_LIBS) $(CONFUSE_LIBS)
docs/pillarbox.conf.5: docs/confman$(EXEEXT)
	$(AM_V_GEN)docs/confman$(EXEEXT) >$@.new && mv $@.new $@
