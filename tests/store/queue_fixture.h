/* tests/store/queue_fixture.h - short ways to put mail into a queue and to see what is in it. */
#ifndef TESTS_STORE_QUEUE_FIXTURE_H
#define TESTS_STORE_QUEUE_FIXTURE_H

#include "store/queue.h"
#include "tests/store/fixture.h"

/* A message of kind QUEUE_SUBMITTED; `rcpts` are addresses with blanks between. Its id. */
int64_t add_to_queue(
    struct fixture *f, const char *octets, size_t size, const char *sender, const char *rcpts);
/* The i-th recipient of a message, counted from 0. */
int64_t rcpt_of(int64_t message, int i);
/* Of the i-th recipient. */
void record_one(
    struct fixture *f, int64_t message, int i, enum queue_outcome outcome, int64_t next_ms);
/* Of all recipients. */
void record_all(struct fixture *f, int64_t message, enum queue_outcome outcome);
/* With a report of `size` octets to a@example.test. */
NODISCARD enum err record_with_report(
    struct fixture *f, int64_t message, int i, enum queue_outcome outcome, size_t size);

/* For queue_list(): counts into a uint64_t. */
enum err count_listed(const struct queue_listed *l, void *arg);
/* "r0@many.example r1@…", `n` of them, in f->arena. */
const char *many_rcpts(struct fixture *f, int n);

/* "domain:count …" by name, in f->arena. */
struct str domains_of(struct fixture *f);
/* "message/number address state[!] …": w waiting, h held, ! to be given up; in f->arena. */
struct str queued(struct fixture *f);
void ck_assert_queued_octets(struct fixture *f, int64_t message, const char *octets, size_t size);
unsigned count_queue_files(const struct fixture *f);
void make_queue_file(struct fixture *f, const char *name);
/* Waits for news of other processes, for some seconds at most, and takes them in. */
void await_bus(struct store *s);

#endif
