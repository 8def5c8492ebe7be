/* common/net/prompt.h - whether a peer sends its next command so soon after an answer that looking
 * for it a moment costs less than going to sleep and being woken.
 *
 * Being woken takes the kernel, and on a virtual machine the host, longer than most commands take
 * here. So a worker looks for a while, at most PROMPT_LOOK_NS, when the last PROMPT_AT_LEAST
 * answers were each followed by a command at once; each time in vain makes the next look four times
 * as dear. A connection at rest thus costs nothing, one that has come to rest a fraction of a
 * millisecond, once.
 *
 * Plain data and arithmetic; belongs to whoever runs the connection.
 */
#ifndef COMMON_NET_PROMPT_H
#define COMMON_NET_PROMPT_H

#include <stdbool.h>
#include <stdint.h>

#define PROMPT_LOOK_NS 200000
#define PROMPT_SOON_NS 500000 /* from an answer to a command, being woken included */
#define PROMPT_AT_LEAST 8u
#define PROMPT_AT_MOST 2048u
#define PROMPT_FORGIVEN 64u /* looks that were worth it, after which one in vain is forgotten */

/* All zero at first. */
struct prompt {
	int64_t since_ns; /* of the last answer, monotonic; 0: nothing is waited for */
	unsigned in_a_row; /* answers that were followed at once */
	unsigned dear; /* so many are asked for; 0 is PROMPT_AT_LEAST */
	unsigned worth; /* looks since the last one in vain */
};

/* All is answered, the next command is waited for. True: it is worth to look for it. */
bool prompt_waits(struct prompt *p, int64_t now_ns);
/* It was looked for and came. */
void prompt_seen(struct prompt *p);
/* It was looked for and did not come. */
void prompt_in_vain(struct prompt *p);
/* The peer was slept for, and something came. */
void prompt_woken(struct prompt *p, int64_t now_ns);

#endif
