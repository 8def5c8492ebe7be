# Nothing acknowledged is lost: `make durability`, or `make durability LONG=1`; some: DURABILITY="kills".
EXTRA_DIST += %D%/collector.py %D%/daemons.py %D%/imap_actor.py %D%/kills.py %D%/ledger.py %D%/million.py %D%/model.py %D%/pop3_actor.py \
	%D%/quick_imap.py %D%/self_check.py %D%/submitter.py %D%/t_kills.sh %D%/t_million.sh %D%/t_supervised.sh
EXTRA_PROGRAMS += tests/durability/deliver_load
CLEANFILES += tests/durability/deliver_load
tests_durability_deliver_load_SOURCES = %D%/deliver_load.c
tests_durability_deliver_load_LDADD = $(BASE_LIBS) $(OUTSIDE_LIBS)

durability: all tests/durability/deliver_load
	PB_BUILD='$(abs_top_builddir)' LONG='$(LONG)' SCRIPTS='$(abs_srcdir)/tests/durability' INTEROP_SECONDS=$(if $(LONG),7200,120) \
		$(SHELL) $(srcdir)/tests/interop/run.sh $(DURABILITY)
.PHONY: durability
