# Every test program is built from tests/<folder>/test_<module>.c and run by `make check`.
include tests/support/local.mk
include tests/base/local.mk
include tests/sandbox/local.mk
include tests/metrics/local.mk
include tests/net/local.mk
include tests/dns/local.mk
include tests/mail/local.mk
include tests/auth/local.mk
include tests/trust/local.mk
include tests/store/local.mk
include tests/smtpd/local.mk
include tests/outbound/local.mk
include tests/pop3d/local.mk
include tests/search/local.mk
include tests/imapd/local.mk
include tests/ctl/local.mk
include tests/fuzz/local.mk
include tests/interop/local.mk
include tests/bench/local.mk
include tests/attacks/local.mk
include tests/overload/local.mk
include tests/durability/local.mk
include tests/faults/local.mk
include tests/lint/local.mk

# What `make durability faults attacks overload` do, more than one script at a time.
HOLD_TOOLS = tests/durability/deliver_load $(EVERYTHING_TOOLS) $(POWERCUT_TOOLS) $(FAULTS_TESTS) $(FAULTS_TOOLS)
hold: all $(HOLD_TOOLS)
	PB_BUILD='$(abs_top_builddir)' SCRIPTS='$(foreach d,durability overload faults attacks,$(abs_srcdir)/tests/$(d))' \
		INTEROP_SECONDS=240 INTEROP_JOBS=3 $(SHELL) $(srcdir)/tests/interop/run.sh
.PHONY: hold

TESTS += $(check_PROGRAMS)
