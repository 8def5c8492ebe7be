/* tests/trust/examples.h - messages and keys of the appendices of RFC 6376 and RFC 8463. */
#ifndef TESTS_TRUST_EXAMPLES_H
#define TESTS_TRUST_EXAMPLES_H

/* RFC 6376 §A.2, with six blanks where lines are folded and one between the sentences: so it was in
 * the drafts, and only so the signature is right. */
extern const char example_6376[];
extern const char example_6376_key[]; /* private, §C */
extern const char example_6376_record[];

/* RFC 8463 §A.3, whose fields are folded with one blank. */
extern const char example_8463[];
extern const char example_8463_rsa_key[]; /* private, §A.1 */
extern const char example_8463_rsa_record[];
extern const char example_8463_ed25519_record[];

#endif
