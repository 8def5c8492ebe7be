/* Who we are at a smart host: RFC 4954, with PLAIN (RFC 4616) and LOGIN. The password goes only
 * where nobody else can read it. */
#include "smtpd/outbound/client_private.h"

#include "common/mail/codec.h"

#include <openssl/crypto.h>

#define SECRET_MAX 4096

struct client_sasl {
	enum offer_auth mechanism;
	unsigned step;
};

void
client_sasl_free(struct client_sasl **s)
{
	free(*s);
	*s = NULL;
}

static void
wipe(struct sbuf *b)
{
	if (b->p)
		OPENSSL_cleanse(b->p, b->cap);
	sbuf_done(b);
}

/* A line of base64. The reply is waited for in PH_AUTH. */
static void
say_encoded(struct client *cl, const char *before, struct str octets)
{
	CLEANUP(wipe) struct sbuf line = SBUF_INIT(SECRET_MAX * 2);

	sbuf_reserve(&line, SECRET_MAX); /* not copied while it grows */
	sbuf_puts(&line, before);
	base64_encode(octets, &line);
	client_say(cl, PH_AUTH, sbuf_cstr(&line));
}

static void
say_plain(struct client *cl)
{
	CLEANUP(wipe) struct sbuf text = SBUF_INIT(SECRET_MAX);

	sbuf_reserve(&text, SECRET_MAX);
	sbuf_putc(&text, '\0');
	sbuf_put(&text, cl->route->user);
	sbuf_putc(&text, '\0');
	sbuf_put(&text, cl->route->password);
	say_encoded(cl, "AUTH PLAIN ", sbuf_view(&text));
}

static void
failed(struct client *cl, struct str words)
{
	client_over(cl, CLIENT_AUTH_FAILED, 0, words);
}

void
client_auth_begin(struct client *cl)
{
	if (!conn_is_secure(cl->conn)) {
		failed(cl, STR("The password is not sent without TLS"));
		return;
	}
	cl->sasl = calloc(1, sizeof(*cl->sasl));
	if (!cl->sasl) {
		failed(cl, STR("Out of memory"));
	} else if (cl->offers.auth & OFFER_PLAIN) {
		cl->sasl->mechanism = OFFER_PLAIN;
		say_plain(cl);
	} else if (cl->offers.auth & OFFER_LOGIN) {
		cl->sasl->mechanism = OFFER_LOGIN;
		client_say(cl, PH_AUTH, "AUTH LOGIN");
	} else {
		failed(cl, STR("The server offers no way to log in that is known here"));
	}
}

static void
login_step(struct client *cl)
{
	switch (cl->sasl->step++) {
	case 0:
		say_encoded(cl, "", cl->route->user);
		break;
	case 1:
		say_encoded(cl, "", cl->route->password);
		break;
	default:
		failed(cl, STR("The server asks for more than user name and password"));
		break;
	}
}

void
client_auth_reply(struct client *cl)
{
	if (cl->reader.code / 100 == 2) {
		client_sasl_free(&cl->sasl);
		client_next(cl);
	} else if (cl->reader.code == 334 && cl->sasl->mechanism == OFFER_LOGIN) {
		login_step(cl);
	} else {
		client_over_by_reply(cl, CLIENT_AUTH_FAILED);
	}
}
