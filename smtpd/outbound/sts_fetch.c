#include "smtpd/outbound/sts_fetch.h"

#include "common/auth/http_fetch.h"
#include "common/base/cleanup.h"
#include "smtpd/outbound/sts_policy.h"

#include <stdio.h>

struct waiting {
	struct waiting *next;
	struct sts_fetch what;
	struct sockaddr_storage addresses[STS_ADDRESSES_MAX];
	char domain[DNS_NAME_MAX + 1];
};

struct sts_fetcher {
	pthread_mutex_t mu;
	pthread_cond_t work; /* something waits, or `stop` */
	struct waiting *head, **tail; /* guarded by mu, as is all that follows */
	size_t count; /* waiting */
	size_t idle; /* threads without work */
	bool stop;
	pthread_t threads[STS_THREADS];
	size_t thread_count;
};

static const char *
failure_name(enum http_failure f)
{
	switch (f) {
	case HTTP_NOT_TRUSTED:
		return "sts-webpki-invalid";
	case HTTP_WRONG_KIND:
		return "sts-policy-invalid";
	case HTTP_FAILED:
		break;
	}
	return "sts-policy-fetch-error";
}

static void
fetch(const struct waiting *w)
{
	CLEANUP(sbuf_done) struct sbuf body = SBUF_INIT(HTTP_FETCH_MAX);
	enum http_failure failure = HTTP_FAILED;
	char url[DNS_NAME_MAX + 100];

	snprintf(url, sizeof(url), "https://mta-sts.%s:%u/.well-known/mta-sts.txt", w->domain,
	    (unsigned)w->what.port);
	const struct http_request r = {
	    .url = url,
	    .ca_file = w->what.ca_file,
	    .addresses = w->addresses,
	    .address_count = w->what.address_count,
	    .accept = "text/plain",
	    .max = STS_POLICY_MAX,
	    .event = "sts_policy_not_fetched",
	    .failure = &failure,
	};
	enum err e = http_fetch(&r, &body);
	struct str text = sbuf_view(&body);
	if (e)
		w->what.fn(w->what.arg, (struct str){NULL, 0}, failure_name(failure));
	else
		w->what.fn(w->what.arg, text.p ? text : STR(""), NULL);
}

/* With mu held. */
static struct waiting *
take(struct sts_fetcher *f)
{
	struct waiting *w = f->head;

	if (!w)
		return NULL;
	f->head = w->next;
	if (!f->head)
		f->tail = &f->head;
	f->count--;
	return w;
}

static void *
run(void *arg)
{
	struct sts_fetcher *f = arg;
	struct waiting *w;

	pthread_mutex_lock(&f->mu);
	for (;;) {
		while (!f->head && !f->stop) {
			f->idle++;
			pthread_cond_wait(&f->work, &f->mu);
			f->idle--;
		}
		if (f->stop)
			break;
		w = take(f);
		pthread_mutex_unlock(&f->mu);
		fetch(w);
		free(w);
		pthread_mutex_lock(&f->mu);
	}
	pthread_mutex_unlock(&f->mu);
	return NULL;
}

enum err
sts_fetch(struct sts_fetcher *f, const struct sts_fetch *what)
{
	struct waiting *w = calloc(1, sizeof(*w));

	if (!w)
		return ERR_NOMEM;
	w->what = *what;
	if (w->what.address_count > STS_ADDRESSES_MAX)
		w->what.address_count = STS_ADDRESSES_MAX;
	for (size_t i = 0; i < w->what.address_count; i++)
		w->addresses[i] = what->addresses[i];
	snprintf(w->domain, sizeof(w->domain), "%.*s", STR_ARG(what->domain));
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&f->mu);
	if (f->idle <= f->count && f->thread_count < STS_THREADS &&
	    pthread_create(&f->threads[f->thread_count], NULL, run, f) == 0)
		f->thread_count++;
	if (f->stop || f->count >= STS_FETCHES_MAX || f->thread_count == 0) {
		free(w);
		return ERR_BUSY;
	}
	*f->tail = w;
	f->tail = &w->next;
	f->count++;
	pthread_cond_signal(&f->work);
	return ERR_OK;
}

enum err
sts_fetcher_new(struct sts_fetcher **ret)
{
	struct sts_fetcher *f = calloc(1, sizeof(*f));

	if (!f)
		return ERR_NOMEM;
	pthread_mutex_init(&f->mu, NULL);
	pthread_cond_init(&f->work, NULL);
	f->tail = &f->head;
	*ret = f;
	return ERR_OK;
}

void
sts_fetcher_free(struct sts_fetcher **fp)
{
	struct sts_fetcher *f = MOVE_PTR(*fp);
	struct waiting *w;

	if (!f)
		return;
	pthread_mutex_lock(&f->mu);
	f->stop = true;
	pthread_cond_broadcast(&f->work);
	pthread_mutex_unlock(&f->mu);
	for (size_t i = 0; i < f->thread_count; i++)
		pthread_join(f->threads[i], NULL);
	while ((w = take(f))) {
		w->what.fn(w->what.arg, (struct str){NULL, 0}, "sts-policy-fetch-error");
		free(w);
	}
	pthread_mutex_destroy(&f->mu);
	pthread_cond_destroy(&f->work);
	free(f);
}
