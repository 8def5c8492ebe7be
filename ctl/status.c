#include "common/base/json.h"
#include "ctl/ctl.h"
#include "ctl/daemons.h"
#include "ctl/figures.h"
#include "ctl/pidfile.h"
#include "ctl/ports.h"
#include "ctl/words.h"

#include "common/base/clock.h"
#include "store/queue.h"

#include <signal.h>

#define FIGURES_MAX ((size_t)4 * 1024 * 1024)

struct report {
	struct sbuf out;
	bool json;
	const struct conf *conf;
	pid_t supervisor;
	size_t asked;
	size_t answered;
};

static void
report_port(struct report *r, const struct port *p, enum port_state state)
{
	static const char *const words[] = {
	    [PORT_ANSWERS] = "answers",
	    [PORT_SILENT] = "open, but does not answer",
	    [PORT_CLOSED] = "closed",
	};

	if (r->json) {
		json_open(&r->out, NULL, '{');
		json_str(&r->out, "name", str_of(p->name));
		json_str(&r->out, "address", str_of(p->address));
		json_u64(&r->out, "port", p->number);
		json_bool(&r->out, "answers", state == PORT_ANSWERS);
		json_close(&r->out, '}');
	} else {
		sbuf_printf(&r->out, "  %-12s %s port %u: %s\n", p->name, p->address, p->number,
		    words[state]);
	}
}

static void
report_daemon(struct report *r, const char *name, const struct port *ports, size_t n)
{
	/* the file is only believed while its writer lives */
	pid_t pid = r->supervisor ? pidfile_daemon(r->conf->run_dir, name) : 0;
	bool alive = pid > 0 && kill(pid, 0) == 0;
	CLEANUP(sbuf_done) struct sbuf status = SBUF_INIT(FIGURES_MAX);
	enum err e = figures_ask(r->conf->run_dir, name, "/status", &status);
	struct str figures = e ? STR("") : str_trim(sbuf_view(&status));

	if (r->json) {
		json_open(&r->out, NULL, '{');
		json_str(&r->out, "name", str_of(name));
		json_u64(&r->out, "pid", alive ? (uint64_t)pid : 0);
		json_open(&r->out, "ports", '[');
	} else {
		sbuf_puts(&r->out, name);
		if (alive)
			sbuf_printf(&r->out, ", process %d", (int)pid);
		figures_write_head(&r->out, figures);
		sbuf_putc(&r->out, '\n');
	}
	for (size_t i = 0; i < n; i++) {
		if (strcmp(ports[i].daemon, name) != 0)
			continue;
		enum port_state state = port_probe(&ports[i], r->conf->hostname);
		if (state == PORT_NO_FAMILY)
			continue;
		r->asked++;
		r->answered += state == PORT_ANSWERS;
		report_port(r, &ports[i], state);
	}
	if (r->json) {
		json_close(&r->out, ']');
		if (figures.n)
			json_raw(&r->out, "figures", figures);
		json_close(&r->out, '}');
		return;
	}
	figures_write_lines(&r->out, figures);
	if (e && e != ERR_NOT_FOUND)
		sbuf_printf(&r->out, "  no figures: %s\n",
		    e == ERR_DENIED ? "only for who may use the sockets in run_dir" : err_text(e));
}

/* All that the daemons count, as Prometheus reads it. */
static int
print_metrics(const struct conf *conf)
{
	struct sbuf text[DAEMON_COUNT];
	struct str texts[DAEMON_COUNT];
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(DAEMON_COUNT * FIGURES_MAX);
	enum err why = ERR_NOT_FOUND;
	size_t n = 0;

	for (size_t i = 0; i < DAEMON_COUNT; i++) {
		text[i] = SBUF_INIT(FIGURES_MAX);
		enum err e = figures_ask(conf->run_dir, daemon_names[i], "/metrics", &text[i]);
		if (!e)
			texts[n++] = sbuf_view(&text[i]);
		else if (e != ERR_NOT_FOUND)
			why = e;
	}
	figures_merge(texts, n, &out);
	for (size_t i = 0; i < DAEMON_COUNT; i++)
		sbuf_done(&text[i]);
	if (sbuf_error(&out))
		return call_fail(sbuf_error(&out), "figures");
	fputs(sbuf_cstr(&out), stdout);
	if (n == 0 && why != ERR_NOT_FOUND)
		return call_fail(why, conf->run_dir);
	if (n == 0)
		call_complain("nothing runs that could tell figures");
	return n ? CTL_OK : CTL_NOT_RUNNING;
}

static void
put_queue(struct report *r, const struct queue_counts *q, bool is_run, size_t pauses)
{
	char size[32];

	if (r->json) {
		json_open(&r->out, "queue", '{');
		json_u64(&r->out, "messages", q->messages);
		json_u64(&r->out, "octets", q->octets);
		json_u64(&r->out, "recipients_waiting", q->waiting);
		json_u64(&r->out, "recipients_tried_before", q->deferred);
		json_u64(&r->out, "recipients_held", q->held);
		json_u64(&r->out, "oldest", (uint64_t)q->oldest_s);
		json_u64(&r->out, "paused", pauses);
		json_bool(&r->out, "is_run", is_run);
		json_close(&r->out, '}');
		return;
	}
	sbuf_printf(&r->out, "queue: %llu message%s", (unsigned long long)q->messages,
	    q->messages == 1 ? "" : "s");
	if (q->messages) {
		sbuf_printf(&r->out,
		    ", %llu recipient%s waiting (%llu tried before), %llu held, %s",
		    (unsigned long long)q->waiting, q->waiting == 1 ? "" : "s",
		    (unsigned long long)q->deferred, (unsigned long long)q->held,
		    ctl_size(q->octets, size));
		sbuf_puts(&r->out, ", the oldest since ");
		words_put_age(&r->out, clock_real_s() - q->oldest_s);
	}
	if (pauses)
		sbuf_printf(&r->out, "; %zu paused (`queue list`)", pauses);
	if (!is_run && r->supervisor)
		sbuf_puts(&r->out, "; nobody sends it");
	sbuf_putc(&r->out, '\n');
}

/* Where this user may look at it: ports answer anybody. */
static int
report_queue(struct report *r, struct call *call)
{
	struct queue_pause *pauses;
	struct queue_counts counts;
	char path[4096];
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/queue.db", r->conf->data_dir);
	if (access(path, R_OK | W_OK))
		return CALL_GO_ON;
	int status = call_open_store(call);
	if (status != CALL_GO_ON)
		return status;
	enum err e = queue_count(call->store, &counts);
	if (!e)
		e = queue_pauses(call->store, call->arena, &pauses, &n);
	if (e)
		return call_fail(e, "queue");
	put_queue(r, &counts, queue_is_run(call->store), n);
	return CALL_GO_ON;
}

int
verb_status(struct call *call)
{
	struct report r = {.out = SBUF_INIT(4U << 20)};
	bool prometheus = false;
	const struct call_option options[] = {
	    {"json", NULL, "as a JSON object", .flag = &r.json},
	    {"prometheus", NULL, "all figures, as Prometheus reads them", .flag = &prometheus},
	};
	struct port *ports;
	size_t n;
	int status = call_parse(call, options, ARRAY_LEN(options), 0, 0);

	if (status == CALL_GO_ON)
		status = call_load_conf(call);
	if (status != CALL_GO_ON)
		return status;
	signal(SIGPIPE, SIG_IGN);
	if (prometheus)
		return print_metrics(call->conf);
	r.conf = call->conf;
	r.supervisor = pidfile_holder(r.conf->run_dir);
	enum err e = ports_list(r.conf, call->arena, &ports, &n);
	if (e)
		return call_fail(e, "ports");
	if (r.json) {
		json_open(&r.out, NULL, '{');
		json_u64(&r.out, "pid", (uint64_t)r.supervisor);
		json_open(&r.out, "daemons", '[');
	} else if (r.supervisor) {
		sbuf_printf(&r.out, "pillarbox run, process %d\n", (int)r.supervisor);
	}
	for (size_t i = 0; i < DAEMON_COUNT; i++)
		report_daemon(&r, daemon_names[i], ports, n);
	bool nothing = !r.supervisor && r.answered == 0;
	if (r.json)
		json_close(&r.out, ']');
	status = report_queue(&r, call);
	if (status != CALL_GO_ON) {
		sbuf_done(&r.out);
		return status;
	}
	if (r.json) {
		json_bool(&r.out, "all_answer", r.answered == r.asked);
		json_close(&r.out, '}');
		sbuf_putc(&r.out, '\n');
	} else if (nothing) {
		sbuf_printf(
		    &r.out, "nothing runs; `pillarbox -c %s run` starts it\n", r.conf->path);
	}
	fputs(sbuf_cstr(&r.out), stdout);
	sbuf_done(&r.out);
	if (nothing)
		return CTL_NOT_RUNNING;
	return r.answered == r.asked ? CTL_OK : CTL_FAILED;
}
