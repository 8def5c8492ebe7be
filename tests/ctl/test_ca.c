#include "ctl/ca.h"
#include "tests/support/test.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>

static const char *const names[] = {"mail.example.test", "example.test", "mail.example.test",
    "imap.example.test", "127.0.0.1", "::1", NULL};

static struct ca ca, server;

static void
make(void)
{
	ck_assert_ok(ca_make("example.test", &ca));
	ck_assert_ok(ca_sign_server(&ca, names, &server));
}

static void
done(void)
{
	ca_done(&ca);
	ca_done(&server);
}

START_TEST(a_strict_client_that_trusts_the_authority_takes_the_certificate)
{
	make();
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	ck_assert_int_eq(X509_STORE_add_cert(store, ca.certificate), 1);
	ck_assert_int_eq(X509_STORE_CTX_init(context, store, server.certificate, NULL), 1);
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_flags(
	    param, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
	X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
	int ok = X509_verify_cert(context);
	ck_assert_msg(
	    ok == 1, "%s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	done();
}
END_TEST

START_TEST(the_certificate_is_for_the_names_and_addresses_only)
{
	make();
	X509 *x = server.certificate;
	ck_assert_int_eq(X509_check_host(x, "mail.example.test", 0, 0, NULL), 1);
	ck_assert_int_eq(X509_check_host(x, "imap.example.test", 0, 0, NULL), 1);
	ck_assert_int_eq(X509_check_host(x, "example.test", 0, 0, NULL), 1);
	ck_assert_int_eq(X509_check_host(x, "www.example.test", 0, 0, NULL), 0);
	ck_assert_int_eq(X509_check_ip_asc(x, "127.0.0.1", 0), 1);
	ck_assert_int_eq(X509_check_ip_asc(x, "::1", 0), 1);
	ck_assert_int_eq(X509_check_ip_asc(x, "127.0.0.2", 0), 0);
	GENERAL_NAMES *san = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	ck_assert_int_eq(sk_GENERAL_NAME_num(san), 5); /* a name given twice stands there once */
	GENERAL_NAMES_free(san);
	done();
}
END_TEST

START_TEST(a_server_certificate_signs_nothing_and_an_authority_serves_nothing)
{
	make();
	ck_assert_int_eq(X509_check_ca(server.certificate), 0);
	ck_assert_int_eq(X509_check_ca(ca.certificate), 1);
	ck_assert_int_eq(X509_check_purpose(server.certificate, X509_PURPOSE_SSL_SERVER, 0), 1);
	ck_assert_int_eq(X509_check_purpose(server.certificate, X509_PURPOSE_SSL_CLIENT, 0), 0);
	ck_assert_int_ne(X509_NAME_cmp(X509_get_subject_name(ca.certificate),
			     X509_get_subject_name(server.certificate)),
	    0);
	done();
}
END_TEST

START_TEST(certificates_are_valid_now_and_not_for_too_long)
{
	int days, seconds;

	make();
	ck_assert_int_lt(X509_cmp_current_time(X509_get0_notBefore(server.certificate)), 0);
	ck_assert(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(server.certificate),
	    X509_get0_notAfter(server.certificate)));
	ck_assert_int_eq(days, CA_SERVER_DAYS);
	ck_assert(ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(ca.certificate)));
	ck_assert_int_ge(days, CA_DAYS - 2);
	done();
}
END_TEST

START_TEST(no_file_is_overwritten_and_keys_are_private)
{
	const char *dir = test_mkdir();
	char path[128];
	struct stat st;

	make();
	snprintf(path, sizeof(path), "%s/key.pem", dir);
	ck_assert_ok(ca_write_key(path, server.key, false));
	ck_assert_int_eq(ca_write_key(path, server.key, false), ERR_EXISTS);
	ck_assert_int_eq(ca_write_certificate(path, server.certificate), ERR_EXISTS);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	test_rmdir(dir);
	done();
}
END_TEST

TEST_MAIN("ca", a_strict_client_that_trusts_the_authority_takes_the_certificate,
    the_certificate_is_for_the_names_and_addresses_only,
    a_server_certificate_signs_nothing_and_an_authority_serves_nothing,
    certificates_are_valid_now_and_not_for_too_long, no_file_is_overwritten_and_keys_are_private)
