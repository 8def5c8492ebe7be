/* The TLS handshake of a connection, as server or as client, without waiting. */
#include "common/net/conn_private.h"

#include "common/base/log.h"
#include "common/metrics/metrics.h"

#include <openssl/err.h>

static void
count_handshake(const struct conn *c, const char *result)
{
	if (!c->dialled)
		METRICS_COUNT(tls_handshakes, metrics_index_of(metrics_tls_result, result));
}

static enum handshake
handshake_done(struct conn *c)
{
	c->state = CS_OPEN;
	c->want = CONN_READ;
	c->transport = &transport_tls;
	c->readable = SSL_has_pending(c->ssl); /* epoll tells of the socket only */
	if (c->handshake_event == CONN_EV_OPEN)
		conn_set_deadline(c, 0); /* after STARTTLS the session's stays */
	if (c->dialled)
		dial_tls_done(c);
	count_handshake(c, SSL_get_version(c->ssl));
	conn_notify(c, c->handshake_event);
	return HANDSHAKE_DONE;
}

void
handshake_note_failure(const struct conn *c, const char *why)
{
	uint64_t withheld;

	count_handshake(c, "failed");
	if (hub_tells_handshake(c, &withheld))
		log_info("tls_handshake_failed", F_CSTR("peer", c->peer), F_CSTR("reason", why),
		    F_UINT("withheld", withheld));
}

enum handshake
handshake_advance(struct conn *c)
{
	c->wait_read = c->wait_write = false;
	if (!c->dialled && hub_ask_fullness(c->hub) == MEMORY_BRIMFUL) {
		handshake_note_failure(c, "no memory for it now");
		return HANDSHAKE_FAILED;
	}
	ERR_clear_error();
	int r = SSL_do_handshake(c->ssl);
	if (r == 1)
		return handshake_done(c);
	switch (SSL_get_error(c->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		c->wait_read = true;
		return HANDSHAKE_WAITS;
	case SSL_ERROR_WANT_WRITE:
		c->wait_write = true;
		return HANDSHAKE_WAITS;
	default:
		break;
	}
	if (c->dialled) {
		dial_tls_failed(c, 0);
		ERR_clear_error();
		return HANDSHAKE_FAILED;
	}
	char why[160] = "peer closed the connection";
	unsigned long code = ERR_peek_last_error();
	if (code)
		ERR_error_string_n(code, why, sizeof(why));
	handshake_note_failure(c, why);
	ERR_clear_error();
	return HANDSHAKE_FAILED;
}

/* Nothing to negotiate. */
static bool
begin_in_memory(struct conn *c)
{
	const char *failure = c->memory ? conn_memory_tls_failure(c) : NULL;

	if (c->dialled && failure) {
		dial_memory_fails(c, "handshake failure", failure);
		return false;
	}
	if (c->dialled)
		dial_memory_tls(c);
	c->claims_tls = true;
	c->want = CONN_READ;
	conn_notify(c, CONN_EV_TLS);
	return true;
}

/* What arrived in the clear is forgotten (RFC 3207 §4.2, CVE-2011-0411). */
bool
handshake_begin(struct conn *c)
{
	octets_free(&c->in);
	c->readable = false;
	if (c->claims_tls || c->memory)
		return begin_in_memory(c);
	if (c->dialled)
		return dial_begin_tls(c, CONN_EV_TLS) != DIAL_FAILED;
	if (!c->tls)
		return begin_in_memory(c);
	if (!hub_accept_tls(c))
		return false;
	c->state = CS_HANDSHAKE;
	c->handshake_event = CONN_EV_TLS;
	return true;
}
