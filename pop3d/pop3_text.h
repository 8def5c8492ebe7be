/* pop3d/pop3_text.h - what is said to people, in the languages of LANG (RFC 6856 §3). Pure. */
#ifndef POP3D_POP3_TEXT_H
#define POP3D_POP3_TEXT_H

#include "common/base/str.h"

enum pop3_language {
	LANGUAGE_DEFAULT, /* English in ASCII: what RFC 2277 calls i-default */
	LANGUAGE_EN,
	LANGUAGE_DE,
	LANGUAGE_FR,
	LANGUAGE__COUNT
};

enum pop3_text {
	TEXT_READY,
	TEXT_BYE,
	TEXT_STOPPING,
	TEXT_CAPABILITIES,
	TEXT_LANGUAGES,
	TEXT_LANGUAGE_CHANGED,
	TEXT_LANGUAGE_UNKNOWN,
	TEXT_UTF8_ON,
	TEXT_BEGIN_TLS,
	TEXT_SEND_PASSWORD,
	TEXT_MECHANISMS,
	TEXT_LOGGED_IN,
	TEXT_MESSAGES,
	TEXT_MESSAGE_FOLLOWS,
	TEXT_TOP_FOLLOWS,
	TEXT_UIDS,
	TEXT_DELETED,
	TEXT_RESET,
	TEXT_NOOP,
	/* of failures */
	TEXT_SYNTAX,
	TEXT_SEQUENCE,
	TEXT_UNKNOWN,
	TEXT_TOO_LONG,
	TEXT_NEEDS_TLS,
	TEXT_NO_TLS,
	TEXT_MECHANISM_UNKNOWN,
	TEXT_CANCELLED,
	TEXT_AUTH_FAILED,
	TEXT_TOO_MANY_FAILURES,
	TEXT_TOO_MANY_ERRORS,
	TEXT_HTTP,
	TEXT_NO_SUCH_MESSAGE,
	TEXT_GONE,
	TEXT_NOT_REMOVED,
	TEXT_BUSY,
	TEXT_REFUSED,
	TEXT_TRY_LATER,
	TEXT_ASK_OPERATOR,
	TEXT__COUNT
};

/* One line without CRLF, UTF-8; ASCII in LANGUAGE_DEFAULT and LANGUAGE_EN. */
const char *pop3_text(enum pop3_language language, enum pop3_text text);
/* "de", and the language's own name for itself. */
const char *pop3_language_tag(enum pop3_language language);
const char *pop3_language_name(enum pop3_language language);
/* The language that fits a range best, by dropping its last parts (RFC 4647 §3.4: "de-AT" is served
 * in "de"); "*" is the server's choice. False when none does. */
bool pop3_language_find(struct str range, enum pop3_language *ret);

#endif
