/* The client's side of SCRAM-SHA-256. */
#include "common/auth/scram_client.h"

#include "tests/support/test.h"

static struct scram_client *
begin(const char *user, const char *password, const char *nonce)
{
	struct scram_client *c = NULL;

	ck_assert_ok(scram_client_new(
	    &(struct scram_client_options){
		.user = str_of(user), .password = str_of(password), .nonce = str_of(nonce)},
	    &c));
	return c;
}

/* RFC 7677 §3 */
START_TEST(the_example_of_rfc_7677_comes_out)
{
	CLEANUP(scram_client_free)
	struct scram_client *c = begin("user", "pencil", "rOprNGfwEbeRWgbNEkqO");
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(4096);

	ck_assert_str_is(scram_client_first(c), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
	ck_assert_ok(scram_client_answer(c,
	    STR("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,"
		"i=4096"),
	    &out));
	ck_assert_str_is(sbuf_view(&out),
	    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
	ck_assert_int_eq(
	    scram_client_verify(c, STR("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")),
	    ERR_AUTH_FAILED);
	ck_assert(!scram_client_verified(c));
	ck_assert_ok(scram_client_verify(c, STR("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")));
	ck_assert(scram_client_verified(c));
}
END_TEST

START_TEST(names_are_escaped_and_nonces_are_new)
{
	CLEANUP(scram_client_free) struct scram_client *a = begin("a,b=c", "x", "n");
	CLEANUP(scram_client_free) struct scram_client *b = begin("a", "x", "");
	CLEANUP(scram_client_free) struct scram_client *c = begin("a", "x", "");
	CLEANUP(scram_client_free) struct scram_client *d = NULL;

	ck_assert_str_is(scram_client_first(a), "n,,n=a=2Cb=3Dc,r=n");
	ck_assert(!str_eq(scram_client_first(b), scram_client_first(c)));
	ck_assert_ok(scram_client_new(&(struct scram_client_options){.user = STR("u"),
					  .password = STR("p"),
					  .binding_type = STR("tls-exporter"),
					  .binding = STR("xyz"),
					  .nonce = STR("n")},
	    &d));
	ck_assert_str_is(scram_client_first(d), "p=tls-exporter,,n=u,r=n");
}
END_TEST

START_TEST(what_a_server_may_not_say_is_refused)
{
	static const struct {
		const char *first;
		enum err e;
	} rows[] = {
	    {"r=n,s=W22Z,i=4096", ERR_SYNTAX}, /* nothing of its own in the nonce */
	    {"r=x1,s=W22Z,i=4096", ERR_SYNTAX}, /* not ours */
	    {"r=n1,s=W2,i=4096", ERR_SYNTAX},
	    {"r=n1,s=,i=4096", ERR_SYNTAX},
	    {"r=n1,s=W22Z,i=0", ERR_SYNTAX},
	    {"r=n1,s=W22Z,i=-1", ERR_SYNTAX},
	    {"r=n1,s=W22Z", ERR_SYNTAX},
	    {"m=1,r=n1,s=W22Z,i=4096", ERR_SYNTAX},
	    {"e=unknown-user", ERR_SYNTAX},
	    {"", ERR_SYNTAX},
	    {"r=n1,s=W22Z,i=1000001", ERR_LIMIT}, /* no worker is kept busy for a server */
	    {"r=n1,s=W22Z,i=4294967295", ERR_LIMIT},
	    {"r=n1,s=W22Z,i=1,x=y", ERR_OK},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(scram_client_free) struct scram_client *c = begin("u", "p", "n");
		CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(4096);
		ck_assert_msg(
		    scram_client_answer(c, test_guarded(str_of(rows[i].first)), &out) == rows[i].e,
		    "%s", rows[i].first);
	}
	CLEANUP(scram_client_free) struct scram_client *c = begin("u", "p", "n");
	ck_assert_int_eq(
	    scram_client_verify(c, STR("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
	    ERR_AUTH_FAILED); /* before there was anything to prove */
}
END_TEST

TEST_MAIN("scram_client", the_example_of_rfc_7677_comes_out, names_are_escaped_and_nonces_are_new,
    what_a_server_may_not_say_is_refused)
