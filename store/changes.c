#include "store/changes_private.h"

#include "store/account_private.h"
#include "store/peers.h"
#include "store/watchers.h"

struct bus {
	struct watchers *watchers;
	struct peers *peers; /* NULL without a run directory */
};

enum err
bus_open(struct store *s, struct bus **ret)
{
	CLEANUP(bus_close) struct bus *b = calloc(1, sizeof(*b));

	if (!b || !(b->watchers = watchers_new()))
		return ERR_NOMEM;
	if (s->run_dir) {
		enum err e = peers_open(s->run_dir, s->process ? s->process : "other", &b->peers);
		if (e)
			return e;
	}
	*ret = MOVE_PTR(b);
	return ERR_OK;
}

void
bus_close(struct bus **b)
{
	if (!*b)
		return;
	peers_close(&(*b)->peers);
	watchers_free(&(*b)->watchers);
	free(*b);
	*b = NULL;
}

void
bus_announce(struct bus *b, int64_t account, int64_t mailbox)
{
	watchers_call(b->watchers, account, mailbox);
	if (b->peers)
		peers_send(b->peers, &(struct peer_news){account, mailbox});
}

void
bus_announce_here(struct bus *b, int64_t account, int64_t mailbox)
{
	watchers_call(b->watchers, account, mailbox);
}

void
bus_announce_all(struct bus *b)
{
	watchers_call_all(b->watchers);
	if (b->peers)
		peers_send(b->peers, &(struct peer_news){0, 0});
}

enum err
bus_watch(struct bus *b, int64_t account, int64_t mailbox, void (*fn)(void *arg), void *arg,
    struct watch **ret)
{
	enum err e = b->peers ? peers_listen(b->peers) : ERR_OK;

	return e ? e : watchers_add(b->watchers, account, mailbox, fn, arg, ret);
}

int
bus_fd(const struct bus *b)
{
	return b->peers ? peers_fd(b->peers) : -1;
}

static void
received(void *arg, const struct peer_news *news)
{
	struct bus *b = arg;

	if (news->account)
		watchers_call(b->watchers, news->account, news->mailbox);
	else
		watchers_call_all(b->watchers);
}

void
bus_receive(struct bus *b)
{
	if (b->peers)
		peers_receive(b->peers, received, b);
}

void
changes_publish(struct account *a, const int64_t *mailboxes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bus_announce(a->store->bus, a->id, mailboxes[i]);
}

enum err
changes_watch(
    struct account *a, int64_t mailbox, void (*fn)(void *arg), void *arg, struct watch **ret)
{
	return bus_watch(a->store->bus, a->id, mailbox, fn, arg, ret);
}

void
changes_unwatch(struct watch **w)
{
	watchers_remove(w);
}

int
changes_fd(struct store *s)
{
	return bus_fd(s->bus);
}

void
changes_receive(struct store *s)
{
	bus_receive(s->bus);
}
