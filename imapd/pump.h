/* imapd/pump.h - output that is longer than a buffer, produced as the peer reads it.
 *
 * A handler that has much to write calls imap_pump() and returns ERR_OK. Its step is called with a
 * little room in the output buffer, again and again as the socket drains, possibly on another
 * worker each time, and the tagged reply follows its end. Later commands wait. A slow reader so
 * holds no thread, and nothing but the command's arena and the step's state.
 */
#ifndef IMAPD_PUMP_H
#define IMAPD_PUMP_H

#include "common/base/err.h"

#include <stdbool.h>

struct imap_session;
struct imap_cmd;

/* Writes until conn_out_full(), or until some PUMP_STEP_ROWS rows or PUMP_STEP_MS ms are spent (so
 * that other sessions get their turn), or until all is written: then *ret_done. Any database read
 * is opened and closed within the step. An error ends the pump and becomes the reply. */
typedef enum err imap_pump_step(
    struct imap_session *s, struct imap_cmd *cmd, void *state, bool *ret_done);

#define PUMP_STEP_ROWS 2000
#define PUMP_STEP_MS 20

struct pump {
	imap_pump_step *step; /* NULL: idle */
	void *state;
	void (*release)(void *state);
	bool cut; /* set by a step that fails within a literal: whatever came next would be taken
		     for its octets, so the connection is closed and nothing more is written */
};

/* Once per command, from its handler. `state` is the arena's as a rule; `release` (may be NULL) is
 * called once when the pump ends, in whatever way. */
void imap_pump(struct imap_session *s, struct imap_cmd *cmd, imap_pump_step *step, void *state,
    void (*release)(void *state));
/* Ends it early: the connection is over. */
void pump_release(struct pump *p);

#endif
