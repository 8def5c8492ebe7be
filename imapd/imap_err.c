/* What each error is to the client: RFC 3501 §7.1, RFC 5530 §3. */
#include "common/base/cleanup.h"
#include "imapd/imap_command.h"
#include "imapd/search_charset.h"

static const struct imap_err_row rows[ERR__COUNT] = {
    [ERR_OK] = {"OK", NULL},
    [ERR_SYNTAX] = {"BAD", NULL},
    [ERR_SEQUENCE] = {"BAD", NULL},
    [ERR_UNKNOWN] = {"BAD", NULL},
    [ERR_PARAM] = {"BAD", NULL},
    [ERR_TOO_LONG] = {"BAD", "TOOBIG"},
    [ERR_BAD_CHARSET] = {"NO", "BADCHARSET (" SEARCH_CHARSETS ")"},
    [ERR_NEEDS_TLS] = {"NO", "PRIVACYREQUIRED"},
    [ERR_CANCELLED] = {"BAD", NULL},
    [ERR_NOT_FOUND] = {"NO", "NONEXISTENT"},
    [ERR_EXISTS] = {"NO", "ALREADYEXISTS"},
    [ERR_GONE] = {"NO", "NONEXISTENT"},
    [ERR_CANNOT] = {"NO", "CANNOT"},
    [ERR_HAS_CHILDREN] = {"NO", "HASCHILDREN"}, /* RFC 9051 §7.1 */
    [ERR_READ_ONLY] = {"NO", "READ-ONLY"},
    [ERR_DENIED] = {"NO", "NOPERM"},
    [ERR_AUTH_FAILED] = {"NO", "AUTHENTICATIONFAILED"},
    [ERR_RELAY] = {"NO", "CANNOT"},
    [ERR_NO_USER] = {"NO", "NONEXISTENT"},
    [ERR_OVER_QUOTA] = {"NO", "OVERQUOTA"},
    [ERR_TOO_BIG] = {"NO", "TOOBIG"}, /* RFC 4469 §4.2, RFC 7889 §4 */
    [ERR_LIMIT] = {"NO", "LIMIT"},
    [ERR_LOOP] = {"NO", "CANNOT"},
    [ERR_BUSY] = {"NO", "INUSE"},
    [ERR_STALE] = {"NO", "INUSE"},
    [ERR_NO_SPACE] = {"NO", "UNAVAILABLE"},
    [ERR_IO] = {"NO", "UNAVAILABLE"},
    [ERR_CORRUPT] = {"NO", "CORRUPTION"},
    [ERR_NOMEM] = {"NO", "LIMIT"},
    [ERR_CONFIG] = {"NO", "CONTACTADMIN"},
    [ERR_INTERNAL] = {"NO", "SERVERBUG"},
};

const struct imap_err_row *
imap_err_row(enum err e)
{
	return &rows[(unsigned)e < ARRAY_LEN(rows) ? e : ERR_INTERNAL];
}
