/* Who we are at a smart host: RFC 4954, with SCRAM-SHA-256 (RFC 7677), PLAIN (RFC 4616) and LOGIN,
 * the best that is offered. A password goes only where nobody else can read it. */
#include "smtpd/outbound/client_private.h"

#include "common/auth/scram_client.h"
#include "common/mail/codec.h"

#include <openssl/crypto.h>

#define SECRET_MAX 4096
#define BINDING "tls-exporter" /* RFC 9266 */
#define BINDING_ARENA 4096

struct client_sasl {
	enum offer_auth mechanism;
	unsigned step;
	struct scram_client *scram;
};

void
client_sasl_free(struct client_sasl **sp)
{
	struct client_sasl *s = MOVE_PTR(*sp);

	if (s)
		scram_client_free(&s->scram);
	free(s);
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
	CLEANUP(wipe) struct sbuf line = SBUF_INIT(SECRET_MAX * 3);

	sbuf_reserve(&line, SECRET_MAX * 2); /* not copied while it grows */
	sbuf_puts(&line, before);
	base64_encode(octets, &line);
	client_say(cl, PH_AUTH, sbuf_cstr(&line));
}

static void
failed(struct client *cl, struct str words)
{
	client_over(cl, CLIENT_AUTH_FAILED, 0, words);
}

/* -- mechanisms ------------------------------------------------------------------------------ */

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
say_scram(struct client *cl, bool plus)
{
	CLEANUP(arena_free) struct arena *a = arena_new(BINDING_ARENA);
	struct scram_client_options o = {.user = cl->route->user, .password = cl->route->password};

	if (plus && a && !conn_tls_binding(cl->conn, BINDING, a, &o.binding))
		o.binding_type = STR(BINDING);
	if (scram_client_new(&o, &cl->sasl->scram)) {
		failed(cl, STR("User name or password can't be used"));
		return;
	}
	say_encoded(cl, o.binding_type.n ? "AUTH SCRAM-SHA-256-PLUS " : "AUTH SCRAM-SHA-256 ",
	    scram_client_first(cl->sasl->scram));
}

/* Binding needs TLS that can be bound to. */
static bool
can_bind(const struct client *cl)
{
	CLEANUP(arena_free) struct arena *a = arena_new(BINDING_ARENA);
	struct str binding;

	return a && !conn_tls_binding(cl->conn, BINDING, a, &binding);
}

static enum offer_auth
choose(const struct client *cl)
{
	static const enum offer_auth best_first[] = {
	    OFFER_SCRAM_SHA_256_PLUS, OFFER_SCRAM_SHA_256, OFFER_PLAIN, OFFER_LOGIN};

	for (size_t i = 0; i < ARRAY_LEN(best_first); i++)
		if (cl->offers.auth & best_first[i] &&
		    (best_first[i] != OFFER_SCRAM_SHA_256_PLUS || can_bind(cl)))
			return best_first[i];
	return 0;
}

static void
begin(struct client *cl)
{
	cl->sasl->step = 0;
	cl->sasl->mechanism = choose(cl);
	switch (cl->sasl->mechanism) {
	case OFFER_SCRAM_SHA_256:
	case OFFER_SCRAM_SHA_256_PLUS:
		say_scram(cl, cl->sasl->mechanism == OFFER_SCRAM_SHA_256_PLUS);
		break;
	case OFFER_PLAIN:
		say_plain(cl);
		break;
	case OFFER_LOGIN:
		client_say(cl, PH_AUTH, "AUTH LOGIN");
		break;
	default:
		failed(cl, STR("The server offers no way to log in that is known here"));
		break;
	}
}

void
client_auth_begin(struct client *cl)
{
	if (!conn_is_secure(cl->conn)) {
		failed(cl, STR("The password is not sent without TLS"));
		return;
	}
	cl->sasl = calloc(1, sizeof(*cl->sasl));
	if (cl->sasl)
		begin(cl);
	else
		failed(cl, STR("Out of memory"));
}

/* -- answers --------------------------------------------------------------------------------- */

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

static void
scram_step(struct client *cl)
{
	CLEANUP(sbuf_done) struct sbuf challenge = SBUF_INIT(SCRAM_CLIENT_MESSAGE_MAX);
	CLEANUP(sbuf_done) struct sbuf answer = SBUF_INIT(2 * SCRAM_CLIENT_MESSAGE_MAX);
	struct scram_client *scram = cl->sasl->scram;

	if (base64_decode(str_trim(reply_lines(&cl->reader)), &challenge)) {
		failed(cl, STR("The server's challenge is none of SCRAM"));
		return;
	}
	switch (cl->sasl->step++) {
	case 0:
		if (scram_client_answer(scram, sbuf_view(&challenge), &answer))
			failed(cl, STR("The server's challenge is none of SCRAM"));
		else
			say_encoded(cl, "", sbuf_view(&answer));
		break;
	case 1:
		if (scram_client_verify(scram, sbuf_view(&challenge)))
			failed(cl, STR("The server does not know the password either"));
		else
			client_say(cl, PH_AUTH, "");
		break;
	default:
		failed(cl, STR("The server asks for more than SCRAM has"));
		break;
	}
}

static void
logged_in(struct client *cl)
{
	const struct scram_client *scram = cl->sasl->scram;

	if (scram && !scram_client_verified(scram)) {
		failed(cl, STR("The server did not show that it knows the password"));
		return;
	}
	client_sasl_free(&cl->sasl);
	client_next(cl);
}

/* 504: not that mechanism after all (RFC 4954 §4); the next. Where somebody could have put that
 * into the server's mouth, the next would be the password in the clear to him. */
static bool
try_another(struct client *cl)
{
	bool sure = conn_tls_outcome(cl->conn)->verified || !conn_is_tls(cl->conn);

	if (cl->reader.code != 504 || !sure)
		return false;
	cl->offers.auth &= ~(unsigned)cl->sasl->mechanism;
	scram_client_free(&cl->sasl->scram);
	if (!cl->offers.auth)
		return false;
	begin(cl);
	return true;
}

void
client_auth_reply(struct client *cl)
{
	if (cl->reader.code / 100 == 2)
		logged_in(cl);
	else if (cl->reader.code == 334 && cl->sasl->mechanism == OFFER_LOGIN)
		login_step(cl);
	else if (cl->reader.code == 334 && cl->sasl->scram)
		scram_step(cl);
	else if (!try_another(cl))
		client_over_by_reply(cl, CLIENT_AUTH_FAILED);
}
