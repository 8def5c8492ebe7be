#include "search/index_pace.h"

/* Told from a while of its own, pauses with it: longer than the work between two looks. */
static void
look_for_stream(struct index_pace *p, const struct index_moment *now)
{
	int64_t ms = now->now_ms - p->counted.now_ms;
	uint64_t commits = now->commits - p->counted.commits;

	if (ms < INDEX_PACE_WINDOW_MS)
		return;
	p->stream = commits * 1000 >= (uint64_t)ms * INDEX_PACE_STREAM;
	p->counted = *now;
}

static int64_t
at_most(int64_t ms, int64_t max)
{
	return ms < max ? ms : max;
}

int64_t
index_pace_pause_ms(struct index_pace *p, const struct index_moment *now, bool reads, bool hurry)
{
	if (!p->begun)
		index_pace_go(p, now);
	look_for_stream(p, now);
	int64_t went = now->now_ms - p->since.now_ms;
	int64_t used_us = now->used_us - p->since.used_us;
	int64_t mail = 0, lost = 0;

	if (went < INDEX_PACE_MS)
		return 0;
	if (p->stream)
		mail = at_most(used_us * INDEX_PACE_MAIL / 1000, INDEX_PACE_MAIL_MAX_MS);
	if (reads && went > used_us / 1000)
		lost = at_most((went - used_us / 1000) * INDEX_PACE_LOST, INDEX_PACE_LOST_MAX_MS);
	p->since = *now;
	if (hurry)
		return 0;
	return mail > lost ? mail : lost;
}

void
index_pace_go(struct index_pace *p, const struct index_moment *now)
{
	if (!p->begun)
		p->counted = *now;
	p->begun = true;
	p->since = *now;
}
