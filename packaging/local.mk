# packaging: what systemd needs, in the places below $(prefix) where it looks
systemdsystemunitdir = $(prefix)/lib/systemd/system
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d

PB_UNITS = packaging/pillarbox-smtpd.service packaging/pillarbox-pop3d.service packaging/pillarbox-imapd.service \
	packaging/pillarbox-smtpd.socket packaging/pillarbox-pop3d.socket packaging/pillarbox-imapd.socket
dist_systemdsystemunit_DATA = %D%/pillarbox.target
systemdsystemunit_DATA = $(PB_UNITS)
sysusers_DATA = packaging/sysusers.d/pillarbox.conf
tmpfiles_DATA = packaging/tmpfiles.d/pillarbox.conf
# what bans those who guess passwords, off until an operator switches it on
fail2banfilterdir = $(sysconfdir)/fail2ban/filter.d
fail2banjaildir = $(sysconfdir)/fail2ban/jail.d
dist_fail2banfilter_DATA = %D%/fail2ban/filter.d/pillarbox.conf
dist_fail2banjail_DATA = %D%/fail2ban/jail.d/pillarbox.conf
EXTRA_DIST += %D%/play.sh %D%/debian.sh %D%/daemon.service.in %D%/daemon.socket.in %D%/sysusers.conf.in %D%/tmpfiles.conf.in
CLEANFILES += $(PB_UNITS) $(sysusers_DATA) $(tmpfiles_DATA)

PB_SUBSTITUTE = $(AM_V_GEN)$(MKDIR_P) $(@D) && sed \
	-e 's|[@]sbindir[@]|$(sbindir)|g' -e 's|[@]sysconfdir[@]|$(sysconfdir)|g' \
	-e 's|[@]localstatedir[@]|$(localstatedir)|g' -e 's|[@]runstatedir[@]|$(runstatedir)|g'

packaging/pillarbox-smtpd.service: packaging/daemon.service.in Makefile
	$(PB_SUBSTITUTE) -e 's|[@]DAEMON[@]|smtpd|g' -e 's|[@]WHAT[@]|receives mail|' -e 's| *[@]DENIED[@]| @resources|' $(srcdir)/packaging/daemon.service.in >$@
packaging/pillarbox-pop3d.service: packaging/daemon.service.in Makefile
	$(PB_SUBSTITUTE) -e 's|[@]DAEMON[@]|pop3d|g' -e 's|[@]WHAT[@]|hands mail out|' -e 's| *[@]DENIED[@]| @resources|' $(srcdir)/packaging/daemon.service.in >$@
packaging/pillarbox-imapd.service: packaging/daemon.service.in Makefile
	$(PB_SUBSTITUTE) -e 's|[@]DAEMON[@]|imapd|g' -e 's|[@]WHAT[@]|manages folders|' -e 's| *[@]DENIED[@]||' $(srcdir)/packaging/daemon.service.in >$@
# The ports of a daemon, each on every address of IPv4 and of IPv6.
packaging/pillarbox-smtpd.socket: packaging/daemon.socket.in Makefile
	$(PB_SUBSTITUTE) -e 's|[@]DAEMON[@]|smtpd|g' -e 's|[@]LISTEN[@]|ListenStream=0.0.0.0:25\nListenStream=[::]:25\nListenStream=0.0.0.0:587\nListenStream=[::]:587\nListenStream=0.0.0.0:465\nListenStream=[::]:465|' $(srcdir)/packaging/daemon.socket.in >$@
packaging/pillarbox-pop3d.socket: packaging/daemon.socket.in Makefile
	$(PB_SUBSTITUTE) -e 's|[@]DAEMON[@]|pop3d|g' -e 's|[@]LISTEN[@]|ListenStream=0.0.0.0:110\nListenStream=[::]:110\nListenStream=0.0.0.0:995\nListenStream=[::]:995|' $(srcdir)/packaging/daemon.socket.in >$@
packaging/pillarbox-imapd.socket: packaging/daemon.socket.in Makefile
	$(PB_SUBSTITUTE) -e 's|[@]DAEMON[@]|imapd|g' -e 's|[@]LISTEN[@]|ListenStream=0.0.0.0:143\nListenStream=[::]:143\nListenStream=0.0.0.0:993\nListenStream=[::]:993|' $(srcdir)/packaging/daemon.socket.in >$@
packaging/sysusers.d/pillarbox.conf: packaging/sysusers.conf.in Makefile
	$(PB_SUBSTITUTE) $(srcdir)/packaging/sysusers.conf.in >$@
packaging/tmpfiles.d/pillarbox.conf: packaging/tmpfiles.conf.in Makefile
	$(PB_SUBSTITUTE) $(srcdir)/packaging/tmpfiles.conf.in >$@
