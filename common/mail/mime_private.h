/* common/mail/mime_private.h - what the files that index a message share.
 *
 * message_index.c cuts the octets into lines and these into parts; mime_boundaries.c finds the
 * delimiter a line is; mime_fields.c and mime_params.c read a part's header; envelope.c and
 * bodystructure.c write wire forms; parts.c the part table. Only for this folder.
 */
#ifndef COMMON_MAIL_MIME_PRIVATE_H
#define COMMON_MAIL_MIME_PRIVATE_H

#include "common/base/arena.h"
#include "common/base/sbuf.h"
#include "common/mail/parts.h"

/* -- delimiters (RFC 2046 §5.1.1) -- */

#define BOUNDARY_MAX 1000 /* octets that count; of a longer one the first */
#define BOUNDARIES_MAX 128 /* open at once: one for each level */

struct mime_boundary {
	struct str text; /* borrowed */
	int32_t node; /* of the multipart */
};

/* The delimiters of the multiparts that are open, innermost last. */
struct mime_boundaries {
	struct mime_boundary stack[BOUNDARIES_MAX];
	size_t n;
};

void boundaries_init(struct mime_boundaries *b);
/* `text` outlives its stay; not empty. */
void boundaries_push(struct mime_boundaries *b, struct str text, int32_t node);
void boundaries_pop(struct mime_boundaries *b);
/* The multipart that the line (its first octets are enough) delimits, or -1. The longest boundary
 * that the line starts with counts, the innermost of equal ones. */
int32_t boundaries_match(const struct mime_boundaries *b, struct str line, bool *ret_close);

/* -- header fields of a part -- */

#define MIME_MAX_PARAMS 200 /* of one field; further ones are left out */
#define MIME_MAX_LANGUAGES 50

struct mime_param {
	struct str name;
	struct str value;
};

struct mime_params {
	const struct mime_param *list;
	size_t n;
};

/* {NULL, 0} stands for what is absent. All in the arena given at parsing. */
struct mime_fields {
	struct str type; /* both or none */
	struct str subtype;
	struct mime_params params;
	struct str encoding;
	struct str id;
	struct str description;
	struct str md5;
	struct str disposition;
	struct mime_params disposition_params;
	struct str *languages;
	size_t languages_n;
	struct str location;
};

/* Reads the Content- fields of a header block; the first usable one of each name counts. NULL
 * without memory. */
const struct mime_fields *mime_fields_parse(struct str block, struct arena *arena);
/* What BODYSTRUCTURE and the part table need of the encoding's name. */
enum part_encoding mime_encoding(struct str name);
/* A parameter's value, RFC 2231 charset mark and all; {NULL, 0} if absent. */
struct str mime_param(struct mime_params params, struct str name);

/* "; a=b; c*0=d; c*1=e" of a field body, continuations joined (RFC 2231 §3): an extended value is
 * kept encoded, under "c*". */
struct mime_params mime_params_parse(struct str rest, struct arena *arena);
bool mime_is_token_char(unsigned char c);
/* The octets of blanks, line ends and comments at the start of `s`. */
size_t mime_cfws_length(struct str s);

/* -- wire forms (RFC 3501 §7.4.2, §9) -- */

/* string: quoted, or a literal where quoting can't carry it; NUL goes out as "?". */
void wire_put_string(struct sbuf *out, struct str s);
/* The same, or NIL for {NULL, 0}. */
void wire_put_nstring(struct sbuf *out, struct str s);

/* ENVELOPE of a header block. Takes from *addresses_left what it lists. ERR_NOMEM only. */
NODISCARD enum err envelope_write(struct str block, size_t *addresses_left, struct sbuf *out);

/* -- the part table's octets -- */

/* First the number of parts, then each; `header_before` is where the header of the part before
 * starts, 0 for the first. */
void parts_begin(size_t n, struct sbuf *out);
void parts_put(const struct part *p, uint64_t header_before, struct sbuf *out);

#endif
