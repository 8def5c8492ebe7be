/* pop3d: hands out INBOX by POP3 (RFC 1939). */
#include "common/net/server.h"
#include "pop3d/pop3_commands.h"
#include "pop3d/pop3_session.h"

enum pop3_service { SERVICE_POP3, SERVICE_POP3S };

static bool
pop3_enabled(const struct conf *c)
{
	return c->pop3d.pop3;
}

static bool
pop3s_enabled(const struct conf *c)
{
	return c->pop3d.pop3s;
}

static const struct listener_spec listeners[] = {
    {.name = "pop3",
	.service = SERVICE_POP3,
	.port = 110,
	.logs_in = true,
	.enabled = pop3_enabled},
    {.name = "pop3s",
	.service = SERVICE_POP3S,
	.port = 995,
	.logs_in = true,
	.implicit_tls = true,
	.enabled = pop3s_enabled},
};

static uint16_t
metrics_port(const struct conf *c)
{
	return (uint16_t)c->metrics.pop3d_port;
}

static void *
session_new(void *app, struct server *s, struct conn *c)
{
	(void)s, (void)c;
	return pop3_session_new(app);
}

static const char *
refuse_text(int service, enum err why)
{
	(void)service;
	switch (why) {
	case ERR_LIMIT:
		return "-ERR [SYS/TEMP] Too many connections from your address: close some, or ask "
		       "for a higher max_connections_per_address\r\n";
	case ERR_DENIED:
		return "-ERR [SYS/TEMP] Too many connections from your network, try again "
		       "later\r\n";
	case ERR_NOMEM:
		return "-ERR [SYS/TEMP] No memory for another connection, try again in a "
		       "minute\r\n";
	default:
		return "-ERR [SYS/TEMP] Too many connections in all, try again in a minute\r\n";
	}
}

static const struct metric_values metrics[] = {
    {METRIC_pop3_commands, pop3_command_value},
    {METRIC_pop3_command, pop3_command_value},
};

int
main(int argc, char **argv)
{
	static const struct daemon pop3d = {
	    .name = "pop3d",
	    .alpn = "pop3",
	    .description = "the POP3 server of the Pillarbox mail suite",
	    .listeners = listeners,
	    .listener_count = ARRAY_LEN(listeners),
	    .ops = &pop3_session_ops,
	    .start = service_start_app,
	    .stop = service_stop_app,
	    .reloaded = service_reloaded_app,
	    .metrics_port = metrics_port,
	    .metrics = metrics,
	    .metric_count = ARRAY_LEN(metrics),
	    .collect = service_collect,
	    .session_new = session_new,
	    .refuse_text = refuse_text,
	};

	return server_main(argc, argv, &pop3d);
}
