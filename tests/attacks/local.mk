# Known attacks (docs/RELIABILITY.md): `make attacks`, or `make attacks LONG=1`; some: ATTACKS="smuggling tls".
EXTRA_DIST += %D%/attack.py %D%/attack.sh %D%/growth.py %D%/injection.py %D%/login.py %D%/sink.py %D%/smuggling.py %D%/t_growth.sh %D%/t_injection.sh %D%/t_login.sh \
	%D%/t_smuggling.sh %D%/t_tls.sh

attacks: all
	PB_BUILD='$(abs_top_builddir)' LONG='$(LONG)' SCRIPTS='$(abs_srcdir)/tests/attacks' INTEROP_SECONDS=$(if $(LONG),3600,120) \
		INTEROP_JOBS=$(if $(LONG),1,3) $(SHELL) $(srcdir)/tests/interop/run.sh $(ATTACKS)
.PHONY: attacks
