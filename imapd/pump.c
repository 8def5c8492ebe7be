#include "imapd/pump.h"

#include "imapd/imap_session.h"

#include <assert.h>

void
imap_pump(struct imap_session *s, struct imap_cmd *cmd, imap_pump_step *step, void *state,
    void (*release)(void *state))
{
	assert(!s->pump.step);
	s->pump = (struct pump){.step = step, .state = state, .release = release};
	cmd->pending = true;
}

void
pump_release(struct pump *p)
{
	if (p->step && p->release)
		p->release(p->state);
	*p = (struct pump){0};
}
