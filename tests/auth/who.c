#include "tests/auth/who.h"

struct standing_who
who(unsigned network, unsigned address, const char *name)
{
	struct standing_who w = {.name = str_of(name)};

	w.address[0] = w.network[0] = 1;
	w.address[1] = w.network[1] = (unsigned char)network;
	w.address[2] = (unsigned char)(address >> 8);
	w.address[3] = (unsigned char)address;
	return w;
}
