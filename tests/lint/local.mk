# tests/lint: rules that a compiler does not know. `layers` is quick, so `make check` has it too.
dist_check_SCRIPTS += %D%/layers %D%/log_events
TESTS += %D%/layers %D%/log_events
EXTRA_DIST += %D%/analyze.mk %D%/analyze_filter.awk .clang-tidy ctl/.clang-tidy
EXTRA_DIST += %D%/cppcheck.txt %D%/rfc docs/rfc.tsv docs/rfc_sections.tsv

list_sources = find common store search smtpd pop3d imapd ctl docs tests -name '*.[ch]'

# What each tool finds in each file (analyze.mk): ANALYZE="imapd/cmd_copy.c search/words.c" looks at some files, ANALYZERS=gcc
# with some tools; -j works. `lint` has the quickest of them.
ANALYZE = $$(cd $(srcdir) && find common store search smtpd pop3d imapd ctl docs -name '*.c' | sort)
ANALYZERS = tidy cppcheck gcc clang
ANALYZE_WITH = $(MAKE) -s --no-print-directory -f $(abs_top_srcdir)/tests/lint/analyze.mk SRC=$(abs_top_srcdir) FILES="$(ANALYZE)" \
	LIB_CFLAGS="$(OPENSSL_CFLAGS) $(SQLITE_CFLAGS) $(CONFUSE_CFLAGS) $(GSASL_CFLAGS) $(ARGON2_CFLAGS) $(UTF8PROC_CFLAGS) $(IDN2_CFLAGS) $(SECCOMP_CFLAGS)"
analyze:
	+@$(ANALYZE_WITH) TOOLS="$(ANALYZERS)"

format:
	cd $(srcdir) && $(list_sources) | xargs clang-format -i

lint:
	cd $(srcdir) && $(list_sources) | xargs clang-format --dry-run -Werror
	+@$(ANALYZE_WITH) TOOLS=cppcheck
	$(srcdir)/tests/lint/layers $(srcdir)
	$(srcdir)/tests/lint/log_events $(srcdir)
	$(srcdir)/tests/lint/rfc $(srcdir)

.PHONY: analyze format lint
