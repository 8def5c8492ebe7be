#include "smtpd/smtp_reply.h"

/* clang-format off */
static const struct smtp_reply replies[ERR__COUNT] = {
	[ERR_OK] = {250, "2.0.0", "Ok"},
	[ERR_SYNTAX] = {501, "5.5.4", "Syntax error in the arguments"},
	[ERR_SEQUENCE] = {503, "5.5.1", "Bad sequence of commands"},
	[ERR_UNKNOWN] = {500, "5.5.2", "Command not recognised"},
	[ERR_PARAM] = {555, "5.5.4", "Parameter not recognised"},
	[ERR_TOO_LONG] = {500, "5.5.2", "Line too long"},
	[ERR_BAD_CHARSET] = {501, "5.5.2", "Not well-formed UTF-8"},
	[ERR_NEEDS_TLS] = {530, "5.7.0", "Must issue a STARTTLS command first"}, /* RFC 3207 §4 */
	[ERR_CANCELLED] = {501, "5.7.0", "Authentication cancelled"}, /* RFC 4954 §4 */
	[ERR_NOT_FOUND] = {550, "5.1.1", "No such mailbox here"},
	[ERR_EXISTS] = {554, "5.3.0", "Already exists"},
	[ERR_GONE] = {550, "5.1.1", "The mailbox no longer exists"},
	[ERR_CANNOT] = {554, "5.3.0", "Not possible"},
	[ERR_HAS_CHILDREN] = {554, "5.3.0", "Not possible"},
	[ERR_READ_ONLY] = {451, "4.2.1", "The mailbox takes no mail now"},
	[ERR_DENIED] = {451, "4.2.1", "The mailbox takes no mail now"},
	[ERR_AUTH_FAILED] = {535, "5.7.8", "Wrong user name or password; the user name is the whole address"}, /* RFC 4954 §6 */
	[ERR_RELAY] = {550, "5.7.1", "Relaying denied: that domain is not served here; to send from here log in on port 587 or 465"},
	[ERR_NO_USER] = {550, "5.1.1", "No such user here, check the address for mistakes"},
	[ERR_OVER_QUOTA] = {452, "4.2.2", "The mailbox is full, try again later"},
	[ERR_TOO_BIG] = {552, "5.3.4", "The message is bigger than SIZE in the reply to EHLO allows"}, /* RFC 1870 §6.1 */
	[ERR_LIMIT] = {452, "4.5.3", "Too many recipients, send the rest in another transaction"},
	[ERR_LOOP] = {554, "5.4.6", "Mail loop: too many Received fields or aliases"},
	[ERR_BUSY] = {451, "4.3.0", "Busy, try again later"},
	[ERR_STALE] = {451, "4.3.0", "Try again"},
	[ERR_NO_SPACE] = {452, "4.3.1", "No space left, try again later"},
	[ERR_IO] = {451, "4.3.0", "Local error, try again later"},
	[ERR_CORRUPT] = {451, "4.3.0", "Local error, try again later"},
	[ERR_NOMEM] = {451, "4.3.0", "Out of memory, try again later"},
	[ERR_CONFIG] = {451, "4.3.5", "Local configuration error, try again later"},
	[ERR_INTERNAL] = {451, "4.3.0", "Local error, try again later"},
};
/* clang-format on */

struct smtp_reply
smtp_reply_for(enum err e)
{
	return replies[(unsigned)e < ERR__COUNT ? e : ERR_INTERNAL];
}

enum err
smtp_store_error(enum err e)
{
	switch (e) {
	case ERR_OVER_QUOTA:
	case ERR_GONE:
	case ERR_TOO_BIG:
	case ERR_BUSY:
		return e;
	default:
		return e == ERR_OK || err_class(e) == ERR_CLASS_OURS ? e : ERR_IO;
	}
}

bool
smtp_reply_is_refusal(const struct smtp_reply *r)
{
	return r->code >= 400;
}

/* Those of SMTP and its extensions, the usual ones first. */
static const struct {
	uint16_t code;
	const char *text;
} codes[] = {
    {250, "250"},
    {354, "354"},
    {220, "220"},
    {221, "221"},
    {235, "235"},
    {334, "334"},
    {550, "550"},
    {535, "535"},
    {421, "421"},
    {451, "451"},
    {452, "452"},
    {450, "450"},
    {454, "454"},
    {500, "500"},
    {501, "501"},
    {502, "502"},
    {503, "503"},
    {504, "504"},
    {530, "530"},
    {538, "538"},
    {551, "551"},
    {552, "552"},
    {553, "553"},
    {554, "554"},
    {555, "555"},
    {252, "252"},
    {214, "214"},
    {251, "251"},
    {455, "455"},
    {523, "523"},
    {556, "556"},
};

_Static_assert(ARRAY_LEN(codes) < METRIC_REPLIES_MAX, "each has a series, and `other`");

const char *
smtp_reply_value(size_t i)
{
	if (i < ARRAY_LEN(codes))
		return codes[i].text;
	return i == ARRAY_LEN(codes) ? "other" : NULL;
}

void
smtp_reply_count(uint16_t code)
{
	size_t i = 0;

	while (i < ARRAY_LEN(codes) && codes[i].code != code)
		i++;
	METRICS_COUNT(smtp_replies, i);
}

void
smtp_reply_write(struct conn *c, const struct smtp_reply *r)
{
	struct str rest = str_of(r->text);
	struct str line;

	smtp_reply_count(r->code);
	while (str_split(&rest, '\n', &line))
		conn_printf(c, "%u%c%s%s%.*s\r\n", r->code, rest.p ? '-' : ' ', r->enhanced,
		    r->enhanced[0] ? " " : "", STR_ARG(line));
}
