/* smtpd/partial.h - who has a message already whose transaction was refused.
 *
 * A message to several mailboxes that some of them could take and others could not (a quota reached
 * between RCPT and the end of data, a database that failed) must be answered with a failure, or the
 * others would lose it (RFC 5321 §4.2.5, §6.1). The client then sends it again, to all. What is
 * remembered here keeps those who have it, and addresses elsewhere to which it went on, from
 * getting it twice: the message is known by the SHA-256 of its octets and sender, so that nothing
 * but a true repetition is passed over.
 *
 * In memory and bounded: after a restart or PARTIAL_MAX others the message comes twice, as SMTP
 * allows. Thread-safe.
 */
#ifndef SMTPD_PARTIAL_H
#define SMTPD_PARTIAL_H

#include "common/base/cleanup.h"
#include "common/base/str.h"

#define PARTIAL_MAX 1024
#define PARTIAL_KEY_BYTES 32
#define PARTIAL_QUEUE (-1) /* in the place of an account */

struct partial_table;

struct partial_table *partial_new(void);
void partial_free(struct partial_table **t);

/* Anything is remembered at all: else no digest is needed to look it up. */
bool partial_any(struct partial_table *t);
/* The key of a message: `digest` is incoming_digest(). Of a key and an address: the key of both.
 * False without memory. */
bool partial_key(const unsigned char *digest, struct str sender, unsigned char *ret_key);

void partial_note(struct partial_table *t, const unsigned char *key, int64_t account);
bool partial_has(struct partial_table *t, const unsigned char *key, int64_t account);
/* It was acknowledged now: a further one is a new message. */
void partial_forget(struct partial_table *t, const unsigned char *key, int64_t account);

#endif
