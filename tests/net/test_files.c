#include "common/net/files.h"
#include "tests/support/test.h"

START_TEST(neither_clients_nor_databases_take_all_descriptors)
{
	static const struct {
		uint64_t all;
		uint32_t wished;
		uint32_t connections, store;
	} rows[] = {
	    {131072, 20000, 20000, FILES_STORE_MAX}, {26400, 20000, 20000, FILES_STORE_MAX},
	    {20000, 20000, 14744, 5000}, {1024, 20000, 512, 256}, {1024, 100, 100, 256},
	    {300, 100, 1, 75}, {100, 100, 1, 25}, {1048576, 1000000, 1000000, FILES_STORE_MAX},
	    {UINT64_MAX, 20000, 20000, FILES_STORE_MAX}, /* RLIM_INFINITY */
	};
	static const struct {
		uint64_t all;
		uint32_t dialled, connections;
	} aside[] = {{131072, 200, 20000}, {26400, 200, 19600}, {1024, 100, 312}, {1024, 200, 256}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct files f = files_share(rows[i].all, rows[i].wished, 0);
		ck_assert_uint_eq(f.all, rows[i].all);
		ck_assert_uint_eq(f.connections, rows[i].connections);
		ck_assert_uint_eq(f.store, rows[i].store);
	}
	for (size_t i = 0; i < sizeof(aside) / sizeof(aside[0]); i++)
		ck_assert_uint_eq(files_share(aside[i].all, 20000, aside[i].dialled).connections,
		    aside[i].connections);
}
END_TEST

TEST_MAIN("files", neither_clients_nor_databases_take_all_descriptors)
