/* imapd/list_request.h - what a LIST, LSUB or XLIST asks for: RFC 3501 §6.3.8 and §6.3.9, RFC 5258
 * §6, RFC 5819 (STATUS), RFC 6154 (SPECIAL-USE), RFC 8440 (MYRIGHTS), RFC 9590 (METADATA). Parsing
 * is pure.
 */
#ifndef IMAPD_LIST_REQUEST_H
#define IMAPD_LIST_REQUEST_H

#include "imapd/list_tree.h"
#include "imapd/metadata.h"

/* Of one LIST, BAD beyond: every name is held against every octet of every pattern. */
#define PATTERNS_MAX 100
#define PATTERNS_OCTETS_MAX 4000

enum list_kind {
	KIND_LIST,
	KIND_LSUB,
	KIND_XLIST, /* as Gmail had it before RFC 6154; Outlook 2013 asks for it */
};

/* Selection and return options. */
enum {
	OPT_SUBSCRIBED = 1,
	OPT_REMOTE = 2,
	OPT_RECURSIVE = 4,
	OPT_SPECIAL_USE = 8,
	OPT_CHILDREN = 16,
	OPT_STATUS = 32,
	OPT_MYRIGHTS = 64,
	OPT_METADATA = 128,
};

struct list_request {
	enum list_kind kind;
	bool extended; /* some syntax of RFC 5258 was used */
	unsigned select;
	unsigned want;
	unsigned status_items;
	struct metadata_query metadata;
	struct str reference;
	struct str *patterns;
	size_t pattern_count, pattern_cap;
	size_t pattern_octets;
	bool hierarchy; /* an empty pattern: only the separator is asked for */

	/* of cmd_list.c */
	struct list_gathering *gather; /* holds the accounts that the nodes are of */
	bool gathered;
	struct list_pattern *compiled;
	struct list_tree tree;
	size_t at; /* the next node */
	struct arena *arena; /* of `answer`; NULL when there is none */
	struct metadata_answer answer; /* for the node before, not all written yet */
	struct str answer_name;
};

/* Reads the arguments; r->kind is set, the rest zero. */
NODISCARD enum err imap_parse_list_request(struct imap_args *a, struct list_request *r);

#endif
