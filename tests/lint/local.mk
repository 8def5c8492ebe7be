# tests/lint: rules that a compiler does not know. `layers` is quick, so `make check` has it too.
dist_check_SCRIPTS += %D%/layers %D%/log_events
TESTS += %D%/layers %D%/log_events
EXTRA_DIST += %D%/cppcheck.txt %D%/rfc docs/rfc.tsv docs/rfc_sections.tsv

list_sources = find common store search smtpd pop3d imapd ctl docs tests -name '*.[ch]'

format:
	cd $(srcdir) && $(list_sources) | xargs clang-format -i

lint:
	cd $(srcdir) && $(list_sources) | xargs clang-format --dry-run -Werror
	cd $(srcdir) && cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr \
		--enable=warning,performance,portability --suppressions-list=tests/lint/cppcheck.txt \
		-D_GNU_SOURCE -I. common store search smtpd pop3d imapd ctl
	$(srcdir)/tests/lint/layers $(srcdir)
	$(srcdir)/tests/lint/log_events $(srcdir)
	$(srcdir)/tests/lint/rfc $(srcdir)
.PHONY: format lint
