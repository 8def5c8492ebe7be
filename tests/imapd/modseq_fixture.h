/* tests/imapd/modseq_fixture.h - rows with modseqs, which a test learns from the server: "%" in
 * what is sent or expected stands for one. */
#ifndef TESTS_IMAPD_MODSEQ_FIXTURE_H
#define TESTS_IMAPD_MODSEQ_FIXTURE_H

#include "tests/imapd/imap_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The number behind the first `label` of an answer. */
static inline uint64_t
number_after(struct str answer, const char *label)
{
	size_t at = str_find_nocase(answer, str_of(label));

	if (at == STR_NONE)
		ck_abort_msg("no %s in: %.*s", label, (int)answer.n, answer.p);
	return strtoull(answer.p + at + strlen(label), NULL, 10);
}

/* A mailbox's HIGHESTMODSEQ, as the store has it. */
static inline uint64_t
modseq_of(struct imap_fixture *f, const char *mailbox)
{
	struct mailbox_info info;

	ck_assert_ok(mailbox_find(f->account, str_of(mailbox), f->arena, &info));
	return info.highest_modseq;
}

/* Each "%" of `text` replaced by the next of the numbers. */
static inline void
put_numbers(char *out, size_t size, const char *text, const uint64_t *numbers)
{
	size_t n = 0;

	for (; *text && n + 24 < size; text++) {
		if (*text == '%')
			n += (size_t)snprintf(out + n, size - n, "%" PRIu64, *numbers++);
		else
			out[n++] = *text;
	}
	out[n] = '\0';
}

#define NUMBERS(...) ((const uint64_t[]){__VA_ARGS__, 0})

/* One row: the numbers of what is sent, then those of what is expected. */
static inline void
ck_modseq_exchange(struct conn *c, const char *send, const uint64_t *sent, const char *expect,
    const uint64_t *expected)
{
	char line[2000], wanted[4000];

	put_numbers(line, sizeof(line), send, sent);
	put_numbers(wanted, sizeof(wanted), expect, expected);
	ck_exchange_on(c, line, wanted);
}

#endif
