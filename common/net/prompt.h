/* common/net/prompt.h - whether a peer sends its next command so soon after an answer that looking
 * for it a moment costs less than going to sleep and being woken.
 *
 * Being woken takes the kernel, and on a virtual machine the host, longer than most commands take
 * here. So a worker looks for a while, at most PROMPT_LOOK_NS, where the peer has credit for it:
 * each command that follows an answer at once earns some, each look in vain costs
 * PROMPT_IN_VAIN times as much, one late command all of it. So of the time of a peer that is prompt
 * but never prompt enough a bounded share is wasted; one that has come to rest costs a fraction of
 * a millisecond, once, and a connection at rest nothing.
 *
 * Plain data and arithmetic; belongs to whoever runs the connection.
 */
#ifndef COMMON_NET_PROMPT_H
#define COMMON_NET_PROMPT_H

#include <stdbool.h>
#include <stdint.h>

#define PROMPT_LOOK_NS 200000
#define PROMPT_SOON_NS 500000 /* from an answer to a command, being woken included */
#define PROMPT_AT_LEAST 8 /* credit, to look at all */
#define PROMPT_AT_MOST 64
#define PROMPT_IN_VAIN 16

/* All zero at first. */
struct prompt {
	int64_t since_ns; /* of the last answer, monotonic; 0: nothing is waited for */
	int credit;
};

/* All is answered, the next command is waited for. True: it is worth to look for it. */
bool prompt_waits(struct prompt *p, int64_t now_ns);
/* It was looked for and came. */
void prompt_seen(struct prompt *p);
/* It was looked for and did not come. */
void prompt_in_vain(struct prompt *p);
/* Nobody looked, and something came. */
void prompt_woken(struct prompt *p, int64_t now_ns);

#endif
