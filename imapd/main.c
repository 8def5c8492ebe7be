/* imapd: IMAP4rev1 (RFC 3501) over the mail store. */
#include "common/mail/charset.h"
#include "common/net/server.h"
#include "imapd/imap_session.h"
#include "search/indexer.h"

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

static uint16_t
metrics_port(const struct conf *c)
{
	return (uint16_t)c->metrics.imapd_port;
}

struct app {
	struct service *service;
	struct indexer *indexer; /* NULL: none is wanted */
};

static void
app_stop(void *arg)
{
	struct app *app = arg;

	indexer_stop(&app->indexer);
	service_stop(&app->service);
	free(app);
}

static enum err
app_start(struct server *s, void **ret)
{
	CLEANUP(conf_unref) struct conf *conf = server_conf(s);
	struct app *app = calloc(1, sizeof(*app));

	if (!app)
		return ERR_NOMEM;
	enum err e = service_start(s, server_name(s), &app->service);
	if (!e && conf->imapd.search_index)
		e = indexer_start(&app->indexer);
	if (e)
		app_stop(app);
	else
		*ret = app;
	return e;
}

static void
app_reloaded(void *arg)
{
	struct app *app = arg;

	service_reloaded(app->service);
}

static void *
session_new(void *arg, struct server *s, struct conn *c)
{
	struct app *app = arg;
	struct imap_session *session = imap_session_new(app->service);

	(void)s, (void)c;
	if (session)
		session->indexer = app->indexer;
	return session;
}

static const char *
refuse_text(int service, enum err why)
{
	(void)service;
	switch (why) {
	case ERR_LIMIT:
		return "* BYE [LIMIT] Too many connections from your address: close some, or ask "
		       "for a higher max_connections_per_address\r\n";
	case ERR_DENIED:
		return "* BYE [LIMIT] Too many connections from your network, try again later\r\n";
	case ERR_NOMEM:
		return "* BYE [UNAVAILABLE] No memory for another connection, try again in a "
		       "minute\r\n";
	default:
		return "* BYE [UNAVAILABLE] Too many connections in all, try again in a minute\r\n";
	}
}

static void
collect(void *arg, struct metrics_cells *to)
{
	struct app *app = arg;

	service_collect(app->service, to);
}

static const struct metric_values metrics[] = {
    {METRIC_imap_commands, imap_command_value},
    {METRIC_imap_command, imap_command_value},
};

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
	    .does = SANDBOX_INDEXES,
	    .load = charsets_load,
	    .unload = charsets_unload,
	    .start = app_start,
	    .stop = app_stop,
	    .reloaded = app_reloaded,
	    .metrics_port = metrics_port,
	    .metrics = metrics,
	    .metric_count = ARRAY_LEN(metrics),
	    .collect = collect,
	    .session_new = session_new,
	    .refuse_text = refuse_text,
	};

	return server_main(argc, argv, &imapd);
}
