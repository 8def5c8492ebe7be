#include "imapd/search_score.h"

#define OF_STRINGS 70 /* of a hundred */
#define OF_AGE 30

bool
search_score_is_known(const struct search_program *p, const enum match *slots)
{
	for (size_t i = 0; i < p->score_count; i++)
		if (slots[p->scores[i]->slot] == MATCH_UNKNOWN)
			return false;
	return true;
}

unsigned
search_score(const struct search_program *p, const enum match *slots, uint32_t seq, uint32_t count)
{
	uint64_t points = 0;

	for (size_t i = 0; i < p->score_count; i++)
		if (slots[p->scores[i]->slot] == MATCH_YES)
			points += p->scores[i]->points;
	uint64_t strings = p->points ? OF_STRINGS * points / p->points : OF_STRINGS;
	uint64_t age = count ? OF_AGE * (uint64_t)seq / count : 0;
	unsigned score = (unsigned)(strings + age);
	return score > 0 ? score : 1;
}
