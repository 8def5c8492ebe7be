/* Asks the DNS as smtpd does, for as long as its standard input lasts, so that scripts may change
 * the resolver meanwhile:
 *
 *	ask PILLARBOX.CONF [PROBE_MS]
 *
 * For each line "NAME": "NAME found secure", "NAME bogus" … (its MX). */
#include "common/base/conf.h"
#include "common/dns/dns_private.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct asked {
	pthread_mutex_t mu;
	pthread_cond_t told;
	bool done;
	enum dns_status status;
	bool secure;
};

static void
take(void *arg, const struct dns_answer *a)
{
	struct asked *q = arg;

	pthread_mutex_lock(&q->mu);
	q->status = a->status;
	q->secure = a->secure;
	q->done = true;
	pthread_cond_signal(&q->told);
	pthread_mutex_unlock(&q->mu);
}

static void
ask(struct dns *d, const char *name)
{
	static const char *const words[] = {"found", "no data", "no name", "failed", "bogus"};
	struct asked q = {.mu = PTHREAD_MUTEX_INITIALIZER, .told = PTHREAD_COND_INITIALIZER};

	if (dns_ask(d, str_of(name), DNS_MX, take, &q))
		abort();
	pthread_mutex_lock(&q.mu);
	while (!q.done)
		pthread_cond_wait(&q.told, &q.mu);
	pthread_mutex_unlock(&q.mu);
	printf("%s %s%s\n", name, words[q.status], q.secure ? " secure" : "");
	fflush(stdout);
}

static void *
run_loop(void *arg)
{
	loop_run(arg);
	return NULL;
}

int
main(int argc, char **argv)
{
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(65536);
	struct conf *conf;
	struct loop *loop;
	struct dns *dns;
	pthread_t thread;
	char line[256];

	if (argc < 2 || conf_load(argv[1], &conf, &problem)) {
		fprintf(stderr, "%s", sbuf_cstr(&problem));
		return 2;
	}
	if (loop_new(&loop) || dns_new(loop, conf, &dns))
		return 2;
	if (argc > 2)
		dns_set_probe_ms(dns, atoi(argv[2]));
	if (pthread_create(&thread, NULL, run_loop, loop) != 0)
		return 2;
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		ask(dns, line);
	}
	loop_stop(loop);
	pthread_join(thread, NULL);
	dns_free(&dns);
	loop_free(&loop);
	conf_unref(&conf);
	return 0;
}
