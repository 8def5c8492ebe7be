/* Prints where mail for domains goes, by a configuration file and the DNS it names: for tests with
 * a real name server.
 *
 * usage: show_route CONF DOMAIN…
 *	example.org: smtp mx.example.org 127.0.0.1:25 [dane must_tls proof=dane tlsa=1 base=…]
 *secure
 */
#include "smtpd/outbound/route.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

struct asked {
	pthread_mutex_t mu;
	pthread_cond_t told;
	struct route *route; /* guarded by mu */
};

static void
take(void *arg, struct route *r)
{
	struct asked *a = arg;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&a->mu);

	if (!r)
		abort();
	a->route = r;
	pthread_cond_signal(&a->told);
}

static void *
run_loop(void *arg)
{
	loop_run(arg);
	return NULL;
}

static void
print_address(const struct sockaddr_storage *a)
{
	char text[INET6_ADDRSTRLEN];

	if (a->ss_family == AF_UNIX) {
		printf(" %s", ((const struct sockaddr_un *)a)->sun_path);
		return;
	}
	const void *octets = a->ss_family == AF_INET
				 ? (const void *)&((const struct sockaddr_in *)a)->sin_addr
				 : &((const struct sockaddr_in6 *)a)->sin6_addr;
	unsigned port = ntohs(((const struct sockaddr_in *)a)->sin_port);
	inet_ntop(a->ss_family, octets, text, sizeof(text));
	if (a->ss_family == AF_INET)
		printf(" %s:%u", text, port);
	else
		printf(" [%s]:%u", text, port);
}

static void
print_host(const struct route_host *h)
{
	static const char *const policies[] = {"none", "sts", "dane", "rule"};
	static const char *const proofs[] = {"any", "names", "dane"};

	printf(" %.*s", STR_ARG(h->name));
	for (size_t i = 0; i < h->address_count; i++)
		print_address(&h->addresses[i]);
	printf(" [%s%s proof=%s", policies[h->policy], h->must_tls ? " must_tls" : "",
	    proofs[h->tls.proof]);
	if (h->tls.tlsa_count)
		printf(" tlsa=%zu base=%.*s", h->tls.tlsa_count, STR_ARG(h->tls.server_name));
	printf("]");
}

static void
print_route(const char *domain, const struct route *r)
{
	static const char *const kinds[] = {"local", "smtp", "lmtp", "refused", "later"};

	printf("%s: %s", domain, kinds[r->kind]);
	if (r->kind == ROUTE_REFUSED || r->kind == ROUTE_LATER)
		printf(" %u %.*s %.*s", r->code, STR_ARG(r->status), STR_ARG(r->why));
	for (size_t i = 0; i < r->host_count; i++)
		print_host(&r->hosts[i]);
	if (r->secure_mx)
		printf(" secure");
	if (r->sts_testing)
		printf(" testing");
	if (r->sts_failure)
		printf(" %s", r->sts_failure);
	printf("\n");
	fflush(stdout);
}

static void
show(struct router *router, const char *domain)
{
	struct asked asked = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL};

	if (route_find(router, str_of(domain), take, &asked))
		abort();
	pthread_mutex_lock(&asked.mu);
	while (!asked.route)
		pthread_cond_wait(&asked.told, &asked.mu);
	pthread_mutex_unlock(&asked.mu);
	print_route(domain, asked.route);
	route_unref(&asked.route);
}

int
main(int argc, char **argv)
{
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(65536);
	struct conf *conf;
	struct store *store;
	struct loop *loop;
	struct dns *dns;
	struct router *router;
	pthread_t thread;

	if (argc < 2 || conf_load(argv[1], &conf, &problem)) {
		fprintf(stderr, "%s", sbuf_cstr(&problem));
		return 2;
	}
	const struct store_options options = {
	    .data_dir = conf->data_dir, .process = "show_route", .recipient_delimiter = "+"};
	if (store_open(&options, &store) || loop_new(&loop) || dns_new(loop, conf, &dns) ||
	    router_new(store, dns, conf, &router) ||
	    pthread_create(&thread, NULL, run_loop, loop) != 0)
		return 2;
	for (int i = 2; i < argc; i++)
		show(router, argv[i]);
	loop_stop(loop);
	pthread_join(thread, NULL);
	router_end(router);
	dns_free(&dns);
	router_free(&router);
	loop_free(&loop);
	store_close(&store);
	conf_unref(&conf);
	return 0;
}
