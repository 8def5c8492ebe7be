/* imapd: IMAP4rev1 (RFC 3501) over the mail store. */
#include "common/net/server.h"
#include "imapd/imap_session.h"

enum { SERVICE_IMAP, SERVICE_IMAPS };

static bool
imap_enabled(const struct conf *c)
{
	return c->imapd.imap;
}

static bool
imaps_enabled(const struct conf *c)
{
	return c->imapd.imaps;
}

static const struct listener_spec listeners[] = {
    {.name = "imap",
	.service = SERVICE_IMAP,
	.port = 143,
	.logs_in = true,
	.enabled = imap_enabled},
    {.name = "imaps",
	.service = SERVICE_IMAPS,
	.port = 993,
	.logs_in = true,
	.implicit_tls = true,
	.enabled = imaps_enabled},
};

static void *
session_new(void *app, struct server *s, struct conn *c)
{
	(void)s, (void)c;
	return imap_session_new(app);
}

static const char *
refuse_text(int service, enum err why)
{
	(void)service;
	return why == ERR_LIMIT ? "* BYE [LIMIT] Too many connections from your address\r\n"
				: "* BYE [UNAVAILABLE] Too many connections, try again later\r\n";
}

int
main(int argc, char **argv)
{
	static const struct daemon imapd = {
	    .name = "imapd",
	    .alpn = "imap",
	    .description = "IMAP server of the Pillarbox mail suite",
	    .listeners = listeners,
	    .listener_count = ARRAY_LEN(listeners),
	    .ops = &imap_session_ops,
	    .start = service_start_app,
	    .stop = service_stop_app,
	    .session_new = session_new,
	    .refuse_text = refuse_text,
	};

	return server_main(argc, argv, &imapd);
}
