/* Content straight from the queue. */
#include "smtpd/outbound/content.h"

struct queue_content {
	struct content content;
	struct queue_octets *octets;
};

static enum err
read_queue(struct content *c, uint64_t offset, char *to, size_t n, size_t *ret_n)
{
	return queue_octets_read(((struct queue_content *)c)->octets, offset, to, n, ret_n);
}

static void
close_queue(struct content *c)
{
	struct queue_content *q = (struct queue_content *)c;

	queue_octets_close(&q->octets);
	free(q);
}

enum err
content_of_queue(struct queue_octets *o, const struct queue_message *m, struct content **ret)
{
	struct queue_content *q = calloc(1, sizeof(*q));

	if (!q) {
		queue_octets_close(&o);
		return ERR_NOMEM;
	}
	q->octets = o;
	q->content = (struct content){
	    .size = queue_octets_size(o), .read = read_queue, .close = close_queue};
	CLEANUP(content_close) struct content *c = &q->content;
	enum err e = content_look(c, m);
	if (!e)
		*ret = MOVE_PTR(c);
	return e;
}
