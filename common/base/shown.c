#include "common/base/shown.h"

size_t
shown_character(struct str v)
{
	const unsigned char *u = (const unsigned char *)v.p;
	size_t n = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;

	if (u[0] < 0xc2 || n > v.n)
		return 0;
	if (u[0] == 0xc2 && u[1] < 0xa0)
		return 0;
	if (u[0] == 0xd8 && u[1] == 0x9c)
		return 0;
	if (u[0] == 0xe2 && u[1] == 0x80 &&
	    ((u[2] >= 0x8b && u[2] <= 0x8f) || (u[2] >= 0xa8 && u[2] <= 0xae)))
		return 0;
	if (u[0] == 0xe2 && u[1] == 0x81 && u[2] >= 0xa0 && u[2] <= 0xaf)
		return 0;
	if (u[0] == 0xf3 && u[1] == 0xa0) /* U+E0000: text in tags */
		return 0;
	if (u[0] == 0xef && u[1] == 0xbf && u[2] >= 0xb9 && u[2] <= 0xbb)
		return 0;
	return u[0] == 0xef && u[1] == 0xbb && u[2] == 0xbf ? 0 : n;
}
