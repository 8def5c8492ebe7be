/* tests/support/sasl_text.h - messages of SASL mechanisms, as a client says them. */
#ifndef TESTS_SUPPORT_SASL_TEXT_H
#define TESTS_SUPPORT_SASL_TEXT_H

/* That of PLAIN (RFC 4616) with these names and the password "wrong", in base64; until the next
 * call. */
const char *sasl_text_plain(const char *authzid, const char *authcid);
/* A name in base64, as LOGIN has it; until the next call. */
const char *sasl_text_name(const char *name);

#endif
