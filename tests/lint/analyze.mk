# tests/lint/analyze.mk - every source file through clang-tidy, clang's analyser, gcc's and cppcheck; `make analyze` calls it in the
# build folder. What a tool finds in a file is kept in analysis/<file>.<tool>, empty when it finds nothing, so that only
# what has changed, or includes a header that has, is analysed again.
# Given: SRC (absolute), FILES (relative to it), TOOLS, LIB_CFLAGS. On two cores all files take tidy 45 s, cppcheck 10 s, gcc
# 50 s, clang ten minutes.
SHELL = /bin/bash
MAKEFLAGS += --no-builtin-rules
reports := $(foreach tool,$(TOOLS),$(FILES:%.c=analysis/%.$(tool)))
rules := $(SRC)/tests/lint/analyze.mk $(SRC)/tests/lint/analyze_filter.awk

flags = -std=gnu17 -D_GNU_SOURCE -I. -I$(CURDIR) $(LIB_CFLAGS) -DPILLARBOX_CONF='"c"' -DPILLARBOX_DATA='"d"' \
	-DPILLARBOX_RUN='"r"' -DPILLARBOX_SBIN='"s"' -DPILLARBOX_VERSION='"0"'
comma := ,
finding = : (warning|error|performance|portability):

report: $(reports)
	@cat $(reports) /dev/null | awk '!seen[$$0]++' >analysis/report
	@grep -E '$(finding)' analysis/report | sort -u >analysis/findings; cat analysis/findings
	@echo "$(words $(FILES)) files, $$(wc -l <analysis/findings) findings ($(TOOLS))"
	@! [ -s analysis/findings ] || { echo "how each comes about: analysis/report"; false; }

# Without -Wall: what is no matter of the analyser's is the business of every other build. Without optimisation: what is
# inlined before gcc 12's analyser sees it loses its initial values, which it reports as uninitialised. Without
# malloc-leak: it loses sight of what is stored through a pointer that it knows nothing of, and calls it leaked (all of its
# 12 findings); leaks are looked for by clang's analyser and, in every test, the address sanitizer.
analysis/%.gcc: $(SRC)/%.c $(rules)
	@mkdir -p $(@D)
	@cd $(SRC) && gcc -O0 -fanalyzer -Wno-analyzer-malloc-leak $(flags) -c $*.c -o /dev/null 2>$(CURDIR)/$@.new || { cat $(CURDIR)/$@.new; exit 1; }
	@mv $@.new $@

# .clang-tidy's checks in two: those that look at the text take a fifteenth of the time of clang's analyser, which follows
# the program's paths.
# It ends with 1 where it finds something; 126 and more: it is not there, or was ended by a signal, and has found nothing.
tidy = cd $(SRC) && { clang-tidy --quiet --checks='$1' $*.c -- $(flags) >$(CURDIR)/$@.raw 2>$(CURDIR)/$@.said; s=$$?; } && \
	{ [ $$s -lt 126 ] || { tail -5 $(CURDIR)/$@.said; echo "$*.c: clang-tidy (Debian package clang-tidy) ended with $$s"; exit 1; }; } && \
	sed 's|^$(SRC)/||' $(CURDIR)/$@.raw | awk -f tests/lint/analyze_filter.awk >$(CURDIR)/$@.new && \
	rm $(CURDIR)/$@.raw $(CURDIR)/$@.said
analysis/%.tidy: $(SRC)/%.c $(rules) $(SRC)/.clang-tidy
	@mkdir -p $(@D)
	@$(call tidy,-clang-analyzer-*)
	@mv $@.new $@

analysis/%.clang: $(SRC)/%.c $(rules) $(SRC)/.clang-tidy
	@mkdir -p $(@D)
	@$(call tidy,-bugprone-*$(comma)-cert-*$(comma)-concurrency-*$(comma)-misc-*$(comma)-performance-*$(comma)-portability-*$(comma)-readability-*)
	@mv $@.new $@

analysis/%.cppcheck: $(SRC)/%.c $(rules) $(SRC)/tests/lint/cppcheck.txt
	@mkdir -p $(@D)
	@cd $(SRC) && cppcheck --quiet --std=c11 --inline-suppr --enable=warning,performance,portability \
		--suppressions-list=tests/lint/cppcheck.txt -D_GNU_SOURCE -I. $*.c 2>$(CURDIR)/$@.new || \
		{ s=$$?; cat $(CURDIR)/$@.new; echo "$*.c: cppcheck (Debian package cppcheck) ended with $$s"; exit 1; }
	@mv $@.new $@

# The headers of a file, of which each report of it depends.
analysis/%.d: $(SRC)/%.c
	@mkdir -p $(@D)
	@cd $(SRC) && gcc -MM -MP -MF $(CURDIR)/$@ -MT '$@ $(foreach tool,tidy clang gcc cppcheck,analysis/$*.$(tool))' $(flags:-I.=-I$(SRC)) $(SRC)/$*.c

.PHONY: report
-include $(FILES:%.c=analysis/%.d)
