/* smtpd/outbound/prepare.h - messages made ready to go out: read from the queue, re-encoded for
 * servers that take less (downgrade.h), signed and sealed (outgoing.h).
 *
 * Small ones are made ready on the spot. What takes longer than a connection's turn may, a large
 * message or one that bears seals, whose keys are asked of the DNS, is made ready by threads of its
 * own, so that neither a worker nor anybody's connection waits for it. They are begun when they are
 * needed.
 */
#ifndef SMTPD_OUTBOUND_PREPARE_H
#define SMTPD_OUTBOUND_PREPARE_H

#include "common/dns/dns.h"
#include "smtpd/outbound/outgoing.h"

#define PREPARE_THREADS 2
#define PREPARE_AT_ONCE_MAX (256 * 1024) /* octets of a message that is made ready on the spot */
#define PREPARE_PATIENCE_S                                                                         \
	3600 /* a message waits so long for keys that can't be had; then its                       \
		chain counts as broken (RFC 8617 §5.2.1) */

struct preparer;
/* The store and `outgoing` outlive it; the DNS its threads: preparer_stop(). */
NODISCARD enum err preparer_new(
    struct store *store, struct outgoing *outgoing, struct dns *dns, struct preparer **ret);
/* Waits for its threads, which may be about to ask the DNS: before dns_free(). What is begun after
 * it, or gets its keys, is cancelled by preparer_free(). */
void preparer_stop(struct preparer *p);
/* After preparer_stop(), dns_free() and all preparations. */
void preparer_free(struct preparer **p);

/* It takes no DNS, and no longer than a turn may. */
bool prepare_is_quick(const struct queue_message *m);
/* The octets of a message that is quick, at most `form`. ERR_CANNOT: they would be damaged
 * (downgrade.h); and what reading, writing and signing give. */
NODISCARD enum err prepare_now(struct preparer *p, const struct queue_message *m,
    enum content_form form, struct content **ret);

struct preparation;
/* The same of any message, of which what matters is copied; its times are by a clock that is
 * `ahead_ms` ahead of the monotonic one (job.h). `ready` is called once, perhaps before
 * this returns, on any thread. NULL without memory or threads. */
struct preparation *preparation_begin(struct preparer *p, const struct queue_message *m,
    int64_t ahead_ms, enum content_form form, void (*ready)(void *arg), void *arg);
/* False: it is not ready. *ret_err is as prepare_now()'s, and ERR_BUSY: the DNS does not answer for
 * now. The content is the caller's, who closes it before the preparation. */
bool preparation_take(struct preparation *x, enum err *ret_err, struct content **ret);
/* No longer wanted, or taken. `ready` is not running and will not be called when this returns. */
void preparation_free(struct preparation **x);

#endif
