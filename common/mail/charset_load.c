#include "common/mail/charset.h"

#include "common/base/cleanup.h"

#include <iconv.h>

/* Those of the WHATWG's Encoding standard, which are what is found on the Web and in mail, and a
 * few that old programs write. Names as iconv has them; those that mean another one to us stand in
 * charset.c. */
static const char *const names[] = {"ISO-8859-2", "ISO-8859-3", "ISO-8859-4", "ISO-8859-5",
    "ISO-8859-6", "ISO-8859-7", "ISO-8859-8", "ISO-8859-9", "ISO-8859-10", "ISO-8859-11",
    "ISO-8859-13", "ISO-8859-14", "ISO-8859-15", "ISO-8859-16", "CP1250", "CP1251", "CP1253",
    "CP1254", "CP1255", "CP1256", "CP1257", "CP1258", "KOI8-R", "KOI8-U", "CP437", "CP850", "CP852",
    "CP855", "CP866", "CP874", "MACINTOSH", "MAC-CYRILLIC", "VISCII", "UTF-7", "UTF-16", "UTF-32",
    "GB18030", "EUC-CN", "BIG5", "BIG5-HKSCS", "EUC-TW", "CP932", "SJIS", "EUC-JP", "ISO-2022-JP-2",
    "CP949", "EUC-KR", "ISO-2022-KR", "JOHAB"};

struct charsets {
	iconv_t open[ARRAY_LEN(names)];
};

void *
charsets_load(void)
{
	struct charsets *c = calloc(1, sizeof(*c));

	for (size_t i = 0; c && i < ARRAY_LEN(names); i++)
		c->open[i] = iconv_open("UTF-8", names[i]);
	return c;
}

void
charsets_unload(void *charsets)
{
	struct charsets *c = charsets;

	for (size_t i = 0; c && i < ARRAY_LEN(names); i++)
		if (c->open[i] != (iconv_t)-1)
			iconv_close(c->open[i]);
	free(c);
}
