#include "tests/outbound/route_world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static struct conf *
load(struct store_fixture *f, const char *lines)
{
	const char *path = store_fixture_path(f, "test.conf");
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(4096);
	struct conf *conf = NULL;
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fprintf(file, "hostname = \"mail.example.test\"\ndata_dir = \"%s\"\nrun_dir = \"%s\"\n%s\n",
	    f->options.data_dir, f->options.run_dir, lines);
	fclose(file);
	enum err e = conf_load(path, &conf, &problem);
	ck_assert_msg(e == ERR_OK, "%s", sbuf_cstr(&problem));
	return conf;
}

void
route_world_renew(struct route_world *w)
{
	if (w->router)
		router_end(w->router);
	dns_free(&w->dns);
	router_free(&w->router);
	w->dns = fake_dns_new();
	ck_assert_ok(router_new(w->fixture->store, w->dns, w->conf, &w->router));
}

void
route_world_renew_router(struct route_world *w)
{
	router_end(w->router);
	router_free(&w->router);
	ck_assert_ok(router_new(w->fixture->store, w->dns, w->conf, &w->router));
}

struct route_world *
route_world_open(const char *lines)
{
	struct route_world *w = calloc(1, sizeof(*w));

	w->fixture = store_fixture_open();
	w->conf = load(w->fixture, lines);
	route_world_renew(w);
	return w;
}

void
route_world_close(struct route_world **wp)
{
	struct route_world *w = MOVE_PTR(*wp);

	if (!w)
		return;
	router_end(w->router);
	dns_free(&w->dns);
	router_free(&w->router);
	conf_unref(&w->conf);
	store_fixture_close(&w->fixture);
	free(w);
}

static void
keep(void *arg, struct route *r)
{
	atomic_store((_Atomic(struct route *) *)arg, r);
}

struct route *
route_world_find(struct route_world *w, const char *domain)
{
	_Atomic(struct route *) r = NULL;

	ck_assert_ok(route_find(w->router, str_of(domain), keep, &r));
	/* a policy is fetched on another thread */
	for (int i = 0; i < 5000 && !atomic_load(&r); i++) {
		fake_dns_run(w->dns);
		if (!atomic_load(&r))
			usleep(1000);
	}
	ck_assert_msg(atomic_load(&r) != NULL, "no route for %s", domain);
	return atomic_load(&r);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
put_addresses(struct sbuf *out, const struct route_host *h)
{
	char text[64][64];

	ck_assert_uint_le(h->address_count, ARRAY_LEN(text));
	for (size_t i = 0; i < h->address_count; i++) {
		const struct sockaddr_storage *a = &h->addresses[i];
		const void *octets = a->ss_family == AF_INET
					 ? (const void *)&((const struct sockaddr_in *)a)->sin_addr
					 : &((const struct sockaddr_in6 *)a)->sin6_addr;
		inet_ntop(a->ss_family, octets, text[i], sizeof(text[i]));
	}
	qsort(text, h->address_count, sizeof(text[0]), by_text);
	for (size_t i = 0; i < h->address_count; i++)
		sbuf_printf(out, " %s", text[i]);
}

const char *
route_world_text(const struct route *r)
{
	static char text[8192];
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(sizeof(text) - 1);

	switch (r->kind) {
	case ROUTE_LOCAL:
		return "local";
	case ROUTE_REFUSED:
		sbuf_printf(&out, "%u %.*s %.*s", r->code, STR_ARG(r->status), STR_ARG(r->why));
		break;
	case ROUTE_LATER:
		sbuf_printf(&out, "later %.*s %.*s", STR_ARG(r->status), STR_ARG(r->why));
		break;
	case ROUTE_SMTP:
	case ROUTE_LMTP:
		sbuf_puts(&out, r->kind == ROUTE_SMTP ? "smtp" : "lmtp");
		for (size_t i = 0; i < r->host_count; i++) {
			sbuf_printf(&out, "%s %.*s", i ? ";" : "", STR_ARG(r->hosts[i].name));
			put_addresses(&out, &r->hosts[i]);
		}
		break;
	}
	snprintf(text, sizeof(text), "%s", sbuf_cstr(&out));
	return text;
}
