# Each call that can fail made to fail in turn: `make faults`, or `make faults LONG=1` for every one.
FAULTS_TESTS = tests/faults/test_store tests/faults/test_repair
EXTRA_PROGRAMS += $(FAULTS_TESTS)
CLEANFILES += $(FAULTS_TESTS)
# They define open() and its kin, so the headers must not have those that check their arguments.
FAULTS_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -U_FORTIFY_SOURCE
FAULTS_LIBS = libtestsupport.a $(STORE_LIBS) $(OUTSIDE_LIBS) $(CHECK_LIBS)
tests_faults_test_store_SOURCES = %D%/test_store.c %D%/faults.c %D%/faults.h tests/store/fixture.c tests/store/fixture.h \
	tests/store/queue_fixture.c tests/store/queue_fixture.h
tests_faults_test_store_CFLAGS = $(FAULTS_CFLAGS)
tests_faults_test_store_LDADD = $(FAULTS_LIBS)
tests_faults_test_repair_SOURCES = %D%/test_repair.c tests/store/fixture.c tests/store/fixture.h
tests_faults_test_repair_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_faults_test_repair_LDADD = $(FAULTS_LIBS)

faults: all $(FAULTS_TESTS)
	@passed=0; failed=0; for t in $(FAULTS_TESTS); do \
		if CK_DEFAULT_TIMEOUT=$(if $(LONG),3600,120) $(if $(LONG),FAULTS_LONG=1) ./$$t; \
		then passed=$$((passed + 1)); else failed=$$((failed + 1)); fi; done; \
	echo "$$passed passed, $$failed failed"; test $$failed -eq 0
.PHONY: faults
