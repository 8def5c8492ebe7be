/* smtpd/outbound/table.h - a hash table of structs that hold their own nodes. Grows with what is in
 * it; without memory for that it stays as it is and gets slower. Not thread-safe.
 */
#ifndef SMTPD_OUTBOUND_TABLE_H
#define SMTPD_OUTBOUND_TABLE_H

#include "common/base/cleanup.h"
#include "common/base/str.h"

struct table_node {
	struct table_node *next;
	uint64_t hash;
};

struct table {
	struct table_node **buckets;
	size_t bucket_count; /* a power of two */
	size_t count;
	uint64_t seed; /* names are chosen by strangers */
};

/* False without memory. */
bool table_init(struct table *t);
/* The members are the caller's. */
void table_done(struct table *t);

uint64_t table_hash(const struct table *t, uint64_t start, struct str name);
uint64_t table_hash_number(const struct table *t, uint64_t start, int64_t number);

void table_put(struct table *t, struct table_node *n, uint64_t hash);
void table_take(struct table *t, struct table_node *n);
/* The first node of this hash, and the next of the same: whose it is, the caller compares. */
struct table_node *table_find(const struct table *t, uint64_t hash);
struct table_node *table_find_next(const struct table_node *n);
/* Any member, NULL when it is empty. */
struct table_node *table_any(const struct table *t);

#endif
