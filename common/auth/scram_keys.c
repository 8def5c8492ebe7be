#include "common/auth/scram_keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

/* HMAC(salted, "Client Key") or HMAC(salted, "Server Key"). */
static bool
derive(const unsigned char *salted, struct str label, unsigned char out[SCRAM_KEY_SIZE])
{
	return HMAC(EVP_sha256(), salted, SCRAM_KEY_SIZE, (const unsigned char *)label.p, label.n,
		   out, NULL) != NULL;
}

enum err
scram_keys(struct str password, struct str salt, uint32_t iterations,
    unsigned char stored_key[SCRAM_KEY_SIZE], unsigned char server_key[SCRAM_KEY_SIZE])
{
	unsigned char salted[SCRAM_KEY_SIZE];
	unsigned char client_key[SCRAM_KEY_SIZE];

	bool ok = PKCS5_PBKDF2_HMAC(password.p ? password.p : "", (int)password.n,
		      (const unsigned char *)salt.p, (int)salt.n, (int)iterations, EVP_sha256(),
		      sizeof(salted), salted) == 1 &&
		  derive(salted, STR("Client Key"), client_key) &&
		  derive(salted, STR("Server Key"), server_key) &&
		  SHA256(client_key, sizeof(client_key), stored_key) != NULL;
	OPENSSL_cleanse(salted, sizeof(salted));
	OPENSSL_cleanse(client_key, sizeof(client_key));
	return ok ? ERR_OK : ERR_INTERNAL;
}
