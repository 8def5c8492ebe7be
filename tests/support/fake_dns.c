#include "tests/support/fake_dns.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#define CHAIN_MAX 8
#define ROWS_MAX 20000

struct row {
	char *name;
	enum dns_type type;
	enum dns_status status; /* FOUND: a record */
	bool secure;
	struct dns_record record;
};

struct asked {
	struct asked *next;
	char *name;
	enum dns_type type;
	void (*fn)(void *arg, const struct dns_answer *a);
	void *arg;
};

struct dns {
	pthread_mutex_t mu;
	struct row *rows; /* guarded by mu, as is all that follows */
	size_t row_count;
	char *signed_names[32];
	size_t signed_count;
	struct asked *head, **tail;
	uint32_t ttl_s;
	size_t counts[256];
	enum err refuse;
	struct loop_timer *timer; /* NULL: fake_dns_run() */
	bool closing;
};

struct dns *
fake_dns_new(void)
{
	struct dns *d = calloc(1, sizeof(*d));

	if (!d || !(d->rows = calloc(ROWS_MAX, sizeof(*d->rows))))
		abort();
	pthread_mutex_init(&d->mu, NULL);
	d->tail = &d->head;
	d->ttl_s = FAKE_DNS_TTL_S;
	return d;
}

static void
run_by_timer(void *arg)
{
	fake_dns_run(arg);
}

enum err
dns_new(struct loop *l, const struct conf *conf, struct dns **ret)
{
	(void)conf;
	*ret = fake_dns_new();
	(*ret)->timer = loop_timer_new(l, run_by_timer, *ret);
	return (*ret)->timer ? ERR_OK : ERR_NOMEM;
}

/* -- what there is ---------------------------------------------------------------------------- */

static char *
lower(const char *name)
{
	char *copy = strdup(name);

	for (char *p = copy; *p; p++)
		*p = ascii_lower(*p);
	return copy;
}

static struct str
octets(const void *p, size_t n)
{
	char *copy = malloc(n + 1);

	memcpy(copy, p, n);
	copy[n] = '\0';
	return str_make(copy, n);
}

static struct str
name_of(const char *text)
{
	char *copy = lower(strcmp(text, ".") ? text : "");

	return str_make(copy, strlen(copy));
}

static struct str
from_hex(const char *hex)
{
	char out[1024];
	size_t n = 0;
	unsigned octet;

	for (; n < sizeof(out) && sscanf(hex + 2 * n, "%2x", &octet) == 1; n++)
		out[n] = (char)octet;
	return octets(out, n);
}

static struct dns_record
read_value(enum dns_type type, const char *value)
{
	struct dns_record r = {0};
	unsigned a, b, c;
	char address[16], rest[1024] = "";

	switch (type) {
	case DNS_MX:
		if (sscanf(value, "%u %1000s", &a, rest) != 2)
			abort();
		r.preference = (uint16_t)a;
		r.name = name_of(rest);
		break;
	case DNS_CNAME:
	case DNS_NS:
	case DNS_PTR:
		r.name = name_of(value);
		break;
	case DNS_A:
		if (inet_pton(AF_INET, value, address) != 1)
			abort();
		r.data = octets(address, 4);
		break;
	case DNS_AAAA:
		if (inet_pton(AF_INET6, value, address) != 1)
			abort();
		r.data = octets(address, 16);
		break;
	case DNS_TXT:
		r.data = octets(value, strlen(value));
		break;
	case DNS_SRV:
		if (sscanf(value, "%u %u %u %1000s", &a, &b, &c, rest) != 4)
			abort();
		r.preference = (uint16_t)a;
		r.name = octets(rest, strlen(rest));
		const char numbers[] = {(char)(b >> 8), (char)b, (char)(c >> 8), (char)c};
		r.data = octets(numbers, 4);
		break;
	case DNS_TLSA:
		if (sscanf(value, "%u %u %u %1000s", &a, &b, &c, rest) < 3)
			abort();
		struct str data = from_hex(rest);
		char *whole = malloc(data.n + 3);
		whole[0] = (char)a;
		whole[1] = (char)b;
		whole[2] = (char)c;
		memcpy(whole + 3, data.p, data.n);
		r.data = str_make(whole, data.n + 3);
		free((char *)data.p);
		break;
	}
	return r;
}

static void
add_row(struct dns *d, struct row row)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&d->mu);

	if (d->row_count == ROWS_MAX)
		abort();
	d->rows[d->row_count++] = row;
}

void
fake_dns_add(struct dns *d, const char *name, enum dns_type type, bool secure, const char *value)
{
	add_row(d, (struct row){.name = lower(name),
		       .type = type,
		       .status = DNS_FOUND,
		       .secure = secure,
		       .record = read_value(type, value)});
}

void
fake_dns_fail(struct dns *d, const char *name, enum dns_type type, enum dns_status status)
{
	add_row(d, (struct row){.name = lower(name), .type = type, .status = status});
}

void
fake_dns_sign(struct dns *d, const char *name)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&d->mu);

	if (d->signed_count == ARRAY_LEN(d->signed_names))
		abort();
	d->signed_names[d->signed_count++] = lower(name);
}

static void
free_row(struct row *r)
{
	free(r->name);
	free((char *)r->record.name.p);
	free((char *)r->record.data.p);
}

void
fake_dns_remove(struct dns *d, const char *name)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&d->mu);
	size_t kept = 0;

	for (size_t i = 0; i < d->row_count; i++) {
		if (strcmp(d->rows[i].name, name) == 0)
			free_row(&d->rows[i]);
		else
			d->rows[kept++] = d->rows[i];
	}
	d->row_count = kept;
}

void
fake_dns_set_ttl(struct dns *d, uint32_t ttl_s)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&d->mu);

	d->ttl_s = ttl_s;
}

/* -- answers ---------------------------------------------------------------------------------- */

static bool
is_below(const char *name, const char *zone)
{
	size_t n = strlen(name), m = strlen(zone);

	return n >= m && strcmp(name + n - m, zone) == 0 && (n == m || name[n - m - 1] == '.');
}

/* With mu held. */
static void
find(struct dns *d, const char *name, enum dns_type type, struct dns_answer *a)
{
	bool exists = false;
	size_t cap = 0;

	a->status = DNS_NO_NAME;
	for (size_t i = 0; i < d->row_count; i++) {
		const struct row *r = &d->rows[i];
		exists = exists || is_below(r->name, name);
		if (strcmp(r->name, name) != 0 || r->type != type)
			continue;
		if (r->status != DNS_FOUND) {
			a->status = r->status;
			a->count = 0;
			a->secure = false;
			a->why = "so the test has it";
			return;
		}
		if (a->count == cap) {
			cap = cap ? 2 * cap : 4;
			a->records = realloc(a->records, cap * sizeof(*a->records));
			if (!a->records)
				abort();
		}
		a->records[a->count++] = r->record;
		a->secure = a->secure && r->secure;
	}
	if (a->count > 0) {
		a->status = DNS_FOUND;
		return;
	}
	a->status = exists ? DNS_NO_DATA : DNS_NO_NAME;
	bool proven = false;
	for (size_t i = 0; i < d->signed_count; i++)
		proven = proven || is_below(name, d->signed_names[i]);
	a->secure = a->secure && proven;
}

static const struct row *
find_cname(struct dns *d, const char *name)
{
	for (size_t i = 0; i < d->row_count; i++)
		if (d->rows[i].type == DNS_CNAME && d->rows[i].status == DNS_FOUND &&
		    strcmp(d->rows[i].name, name) == 0)
			return &d->rows[i];
	return NULL;
}

static int
by_preference(const void *a, const void *b)
{
	return ((const struct dns_record *)a)->preference -
	       ((const struct dns_record *)b)->preference;
}

static void
answer(struct dns *d, struct asked *q)
{
	struct dns_answer a = {.ttl_s = d->ttl_s, .secure = true};
	char name[DNS_NAME_MAX + 1];

	pthread_mutex_lock(&d->mu);
	snprintf(name, sizeof(name), "%s", q->name);
	for (int i = 0; i < CHAIN_MAX && q->type != DNS_CNAME; i++) {
		const struct row *r = find_cname(d, name);
		if (!r)
			break;
		a.secure = a.secure && r->secure;
		snprintf(name, sizeof(name), "%s", r->record.name.p);
		a.canonical = str_of(name);
	}
	find(d, name, q->type, &a);
	pthread_mutex_unlock(&d->mu);
	if (d->closing) {
		free(a.records);
		a = (struct dns_answer){.status = DNS_FAILED, .why = "shutting down"};
	}
	if (q->type == DNS_MX && a.count > 0)
		qsort(a.records, a.count, sizeof(*a.records), by_preference);
	q->fn(q->arg, &a);
	free(a.records);
	free(q->name);
	free(q);
}

void
fake_dns_run(struct dns *d)
{
	for (;;) {
		pthread_mutex_lock(&d->mu);
		struct asked *q = d->head;
		if (q && !(d->head = q->next))
			d->tail = &d->head;
		pthread_mutex_unlock(&d->mu);
		if (!q)
			return;
		answer(d, q);
	}
}

enum err
dns_ask(struct dns *d, struct str name, enum dns_type type,
    void (*fn)(void *arg, const struct dns_answer *a), void *arg)
{
	if (!dns_is_name(name))
		return ERR_SYNTAX;
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&d->mu);
	if (d->refuse || d->closing)
		return d->refuse ? d->refuse : ERR_BUSY;
	struct asked *q = calloc(1, sizeof(*q));
	*q = (struct asked){.name = strndup(name.p, name.n), .type = type, .fn = fn, .arg = arg};
	for (char *p = q->name; *p; p++)
		*p = ascii_lower(*p);
	*d->tail = q;
	d->tail = &q->next;
	d->counts[type]++;
	if (d->timer)
		loop_timer_set(d->timer, 1);
	return ERR_OK;
}

size_t
fake_dns_count(struct dns *d, int type)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&d->mu);
	size_t all = 0;

	for (size_t i = 0; i < ARRAY_LEN(d->counts); i++)
		all += d->counts[i];
	return type ? d->counts[type] : all;
}

void
fake_dns_refuse(struct dns *d, enum err e)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&d->mu);

	d->refuse = e;
}

void
dns_free(struct dns **dp)
{
	struct dns *d = MOVE_PTR(*dp);

	if (!d)
		return;
	pthread_mutex_lock(&d->mu);
	d->closing = true; /* who still asks is refused, and does not touch the timer */
	pthread_mutex_unlock(&d->mu);
	loop_timer_free(&d->timer);
	fake_dns_run(d);
	for (size_t i = 0; i < d->row_count; i++)
		free_row(&d->rows[i]);
	for (size_t i = 0; i < d->signed_count; i++)
		free(d->signed_names[i]);
	free(d->rows);
	pthread_mutex_destroy(&d->mu);
	free(d);
}
