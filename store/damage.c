#include "store/damage.h"

#include "common/metrics/metrics.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t
damage_account(const char *file)
{
	static const char folder[] = "/accounts/";
	int64_t id = 0;

	/* The last one: the data directory may itself lie below such a folder. */
	for (const char *at = file; (at = strstr(at, folder));) {
		char *end;
		at += sizeof(folder) - 1;
		long long n = strtoll(at, &end, 10);
		if (*end == '/' && n > 0)
			id = n;
	}
	return id;
}

const char *
damage_advice(const char *file, char out[DAMAGE_ADVICE])
{
	int64_t account = damage_account(file);

	if (account)
		snprintf(
		    out, DAMAGE_ADVICE, "run `pillarbox check --repair %lld`", (long long)account);
	else
		snprintf(out, DAMAGE_ADVICE, "run `pillarbox check`");
	return out;
}

enum err
damage_report(const char *event, const char *file, const char *detail,
    const struct log_field *fields, size_t n)
{
	struct log_field all[DAMAGE_FIELDS + 5];
	char advice[DAMAGE_ADVICE];
	int64_t account = damage_account(file);
	size_t count = 0;

	assert(n <= DAMAGE_FIELDS);
	METRICS_COUNT(store_errors, ERR_CORRUPT);
	if (!log_wants(LOG_LEVEL_ERROR))
		return ERR_CORRUPT;
	for (size_t i = 0; i < n; i++)
		all[count++] = fields[i];
	all[count++] = F_ERR(ERR_CORRUPT);
	all[count++] = F_CSTR("file", file);
	if (account)
		all[count++] = F_INT("account", account);
	all[count++] = F_CSTR("detail", detail);
	all[count++] = F_CSTR("advice", damage_advice(file, advice));
	log_write(LOG_LEVEL_ERROR, event, all, count);
	return ERR_CORRUPT;
}
