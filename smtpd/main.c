/* smtpd: receives mail by SMTP and LMTP and delivers it into the store. */
#include "common/mail/charset.h"
#include "common/net/server.h"
#include "smtpd/outbound/runner.h"
#include "smtpd/queue_figures.h"
#include "smtpd/smtp_commands.h"

struct app {
	struct service *svc;
	struct partial_table *partials;
	struct server *server;
	struct runner *runner;
	struct queue_figures *queue_figures;
};

static bool
has_smtp(const struct conf *c)
{
	return c->smtpd.smtp;
}

static bool
has_submission(const struct conf *c)
{
	return c->smtpd.submission;
}

static bool
has_submissions(const struct conf *c)
{
	return c->smtpd.submissions;
}

static bool
has_lmtp(const struct conf *c)
{
	return c->smtpd.lmtp;
}

static uint16_t
lmtp_port(const struct conf *c)
{
	return (uint16_t)c->smtpd.lmtp_port;
}

static const struct listener_spec listeners[] = {
    {.name = "smtp", .service = SMTP_MX, .port = 25, .enabled = has_smtp},
    {.name = "submission",
	.service = SMTP_SUBMISSION,
	.port = 587,
	.logs_in = true,
	.enabled = has_submission},
    {.name = "submissions",
	.service = SMTP_SUBMISSIONS,
	.port = 465,
	.logs_in = true,
	.implicit_tls = true,
	.enabled = has_submissions},
    {.name = "lmtp",
	.service = SMTP_LMTP,
	.unix_name = "lmtp.sock",
	.enabled = has_lmtp,
	.configured_port = lmtp_port},
};

static uint16_t
metrics_port(const struct conf *c)
{
	return (uint16_t)c->metrics.smtpd_port;
}

static void
app_stop(void *arg)
{
	struct app *app = arg;

	runner_stop(&app->runner);
	queue_figures_free(&app->queue_figures);
	service_stop(&app->svc);
	partial_free(&app->partials);
	free(app);
}

static void
app_drain(void *arg)
{
	struct app *app = arg;

	runner_drain(app->runner);
}

static void
app_reloaded(void *arg)
{
	struct app *app = arg;
	CLEANUP(conf_unref) struct conf *conf = server_conf(app->server);

	service_reloaded(app->svc);
	runner_reload(app->runner, conf);
}

static enum err
start_runner(struct server *s, struct app *app)
{
	CLEANUP(conf_unref) struct conf *conf = server_conf(s);
	const struct runner_options o = {
	    .store = app->svc->store,
	    .hub = server_hub(s),
	    .loop = server_loop(s),
	    .workers = server_workers(s),
	    .conf = conf,
	};

	return runner_start(&o, &app->runner);
}

static enum err
app_start(struct server *s, void **ret_app)
{
	struct app *app = calloc(1, sizeof(*app));

	if (!app)
		return ERR_NOMEM;
	app->partials = partial_new();
	app->server = s;
	enum err e = app->partials ? service_start(s, "smtpd", &app->svc) : ERR_NOMEM;
	if (!e && !(app->queue_figures = queue_figures_new(app->svc->store)))
		e = ERR_NOMEM;
	if (!e)
		e = start_runner(s, app);
	if (e) {
		app_stop(app);
		return e;
	}
	*ret_app = app;
	return ERR_OK;
}

static void *
new_session(void *arg, struct server *s, struct conn *c)
{
	struct app *app = arg;

	(void)s, (void)c;
	return smtp_session_new(app->svc, app->partials);
}

static const char *
refuse_text(int service, enum err why)
{
	(void)service;
	if (why == ERR_LIMIT)
		return "421 4.7.0 Too many connections from your address, try again later\r\n";
	if (why == ERR_DENIED)
		return "421 4.7.0 Too many connections from your network, try again later\r\n";
	if (why == ERR_NOMEM)
		return "421 4.3.2 No memory for another connection, try again in a minute\r\n";
	return "421 4.3.2 Too busy, try again later\r\n";
}

static uint32_t
dialled(const struct conf *c)
{
	return c->outbound.max_connections;
}

static const char *
recipient_value(size_t i)
{
	static const char *const results[] = {"accepted", "refused"};

	return i < ARRAY_LEN(results) ? results[i] : NULL;
}

static const char *
dns_failure_value(size_t i)
{
	static const char *const kinds[] = {"unanswered", "bogus"};

	return i < ARRAY_LEN(kinds) ? kinds[i] : NULL;
}

static void
collect(void *arg, struct metrics_cells *to)
{
	struct app *app = arg;

	service_collect(app->svc, to);
	queue_figures_collect(app->queue_figures, to);
}

static const struct metric_values metrics[] = {
    {METRIC_smtp_commands, smtp_command_value},
    {METRIC_smtp_command, smtp_command_value},
    {METRIC_smtp_replies, smtp_reply_value},
    {METRIC_smtp_recipients, recipient_value},
    {METRIC_queue_results, results_value},
    {METRIC_queue_recipients, queue_figures_state},
    {METRIC_dns_failures, dns_failure_value},
};

int
main(int argc, char **argv)
{
	static const struct daemon smtpd = {
	    .name = "smtpd",
	    .alpn = "smtp",
	    .description = "receives mail by SMTP, submission and LMTP into the mail store",
	    .listeners = listeners,
	    .listener_count = ARRAY_LEN(listeners),
	    .ops = &smtp_session_ops,
	    .does = SANDBOX_DIALS | SANDBOX_RESOLVES,
	    .load = charsets_load,
	    .unload = charsets_unload,
	    .start = app_start,
	    .dialled = dialled,
	    .drain = app_drain,
	    .reloaded = app_reloaded,
	    .stop = app_stop,
	    .metrics_port = metrics_port,
	    .metrics = metrics,
	    .metric_count = ARRAY_LEN(metrics),
	    .collect = collect,
	    .session_new = new_session,
	    .refuse_text = refuse_text,
	};

	return server_main(argc, argv, &smtpd);
}
