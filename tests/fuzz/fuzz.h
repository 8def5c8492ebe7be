/* tests/fuzz/fuzz.h - what fuzz targets share: each is one LLVMFuzzerTestOneInput() that must not
 * crash, and whose FUZZ_CHECK()s must hold, for any input. With libFuzzer it is searched, with
 * replay.c its corpus is run. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "common/base/arena.h"
#include "common/base/sbuf.h"
#include "common/base/str.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(cond)                                                                           \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                 \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
