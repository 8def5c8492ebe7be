# Real clients and servers against a running suite: `make interop`, or `make interop INTEROP="curl mutt"`.
EXTRA_DIST += \
	%D%/bad_input.py %D%/client_certificate.py %D%/corpus.py %D%/deliver_until_cut.py %D%/durable.py %D%/full_disk.py %D%/imap_model.py %D%/imap_state.py \
	%D%/oauth_clients.py %D%/oauth_provider.py %D%/scram_plus.py \
	%D%/boot.sh %D%/imapwire.py %D%/lib.sh %D%/make_tree.py %D%/other_programs.py %D%/programs.py %D%/python_clients.py %D%/run.sh %D%/snapshot.py %D%/t_alias.sh %D%/t_at_rest.sh \
	%D%/t_bad_input.sh %D%/t_client.sh %D%/t_client_certificate.sh %D%/t_corpus.sh %D%/t_curl.sh %D%/t_descriptors.sh %D%/t_durable.sh %D%/t_fetchmail.sh %D%/t_full_disk.sh \
	%D%/t_getmail.sh %D%/t_idle.sh %D%/t_imap_model.sh %D%/t_imap_state.sh %D%/t_install.sh %D%/t_kill.sh %D%/t_limits.sh %D%/t_long_search.sh %D%/t_mbsync.sh %D%/t_memory.sh %D%/t_notify.sh \
	%D%/t_msmtp.sh %D%/t_mutt.sh %D%/t_oauth.sh %D%/t_offlineimap.sh %D%/t_other_programs.sh %D%/t_python.sh %D%/t_sasl.sh \
	%D%/t_smtp_source.sh %D%/t_swaks.sh %D%/t_thunderbird.sh %D%/t_unwritable.sh \
	%D%/thunderbird.py %D%/thunderbird_real.py %D%/thunderbird_real.sh
EXTRA_DIST += \
	%D%/imapflow.js %D%/mail_imapclient.pl %D%/t_imapflow.sh %D%/t_mail_imapclient.sh \
	%D%/imap_sync_model.py %D%/t_imap_sync_model.sh %D%/huge_folder.py %D%/t_huge_folder.sh %D%/t_two_clients.sh \
	%D%/nameserver.sh %D%/sts_server.py %D%/t_dns.sh %D%/peers.sh %D%/sending.py %D%/t_sending.sh %D%/t_systemd.sh \
	%D%/t_tls_out.sh %D%/t_two_suites.sh %D%/tls_servers.py \
	%D%/counting_sink.py %D%/submit_many.py %D%/t_relay.sh %D%/t_relay_kill.sh \
	%D%/t_full_disk_queue.sh %D%/t_queue_damage.sh %D%/t_queue_large.sh %D%/t_queue_live.sh \
	%D%/dkim_peers.py %D%/t_dkim.sh \
	%D%/t_privileges.sh %D%/under_unit.py \
	%D%/t_secrets.sh %D%/memory.py %D%/secrets.py %D%/secrets_keys.py \
	%D%/exposition.py %D%/t_metrics.sh %D%/failing_logins.py %D%/t_fail2ban.sh \
	%D%/networks.py %D%/t_networks.sh

EXTRA_PROGRAMS += tests/interop/idlers
CLEANFILES += tests/interop/idlers
tests_interop_idlers_SOURCES = %D%/idlers.c
tests_interop_idlers_LDADD = $(BASE_LIBS) $(OUTSIDE_LIBS)

interop: all tests/interop/idlers
	PB_BUILD='$(abs_top_builddir)' $(SHELL) $(srcdir)/tests/interop/run.sh $(INTEROP)

# Thunderbird itself; not part of `interop`: it needs some 200 MB of packages.
interop-thunderbird: all
	PB_BUILD='$(abs_top_builddir)' bash $(srcdir)/tests/interop/thunderbird_real.sh
.PHONY: interop interop-thunderbird
