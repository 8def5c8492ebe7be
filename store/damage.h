/* store/damage.h - what is said and counted when stored data is not as it was written. Thread-safe.
 */
#ifndef STORE_DAMAGE_H
#define STORE_DAMAGE_H

#include "common/base/err.h"
#include "common/base/log.h"

/* Counts a failure and logs it at level error: where (`fields`, at most DAMAGE_FIELDS), `detail`
 * and what the operator can do about `file`, which also names the account. Always ERR_CORRUPT. */
#define DAMAGE_FIELDS 8
enum err damage_report(const char *event, const char *file, const char *detail,
    const struct log_field *fields, size_t n);
#define damage_found(event, file, detail, ...)                                                     \
	damage_report((event), (file), (detail),                                                   \
	    ((const struct log_field[]){F_CSTR(NULL, NULL), ##__VA_ARGS__}) + 1,                   \
	    sizeof((const struct log_field[]){F_CSTR(NULL, NULL), ##__VA_ARGS__}) /                \
		    sizeof(struct log_field) -                                                     \
		1)

/* The account whose file it is (…/accounts/<id>/…), 0 for others. */
int64_t damage_account(const char *file);
/* A command that brings the file back, or says more: in `out`. */
#define DAMAGE_ADVICE 64
const char *damage_advice(const char *file, char out[DAMAGE_ADVICE]);

#endif
