# Slow clients, floods and memory at its bound (docs/RELIABILITY.md): `make overload`, or `make overload LONG=1`.
EXTRA_DIST += %D%/clients.py %D%/floods.py %D%/normal_client.py %D%/bound.py %D%/overload.py %D%/slow_clients.py %D%/stop.py %D%/stop_hard.py %D%/t_bound.sh %D%/t_overload.sh %D%/t_stop.sh %D%/t_stop_hard.sh

overload: all
	PB_BUILD='$(abs_top_builddir)' LONG='$(LONG)' SCRIPTS='$(abs_srcdir)/tests/overload' INTEROP_SECONDS=$(if $(LONG),3600,120) \
		$(SHELL) $(srcdir)/tests/interop/run.sh $(OVERLOAD)
.PHONY: overload
