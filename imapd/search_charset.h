/* imapd/search_charset.h - the charsets in which clients may write what they search for (RFC 9051
 * §6.4.4). BADCHARSET lists these, all of them and no other: what iconv knows besides is for mail
 * that comes, not for clients to choose converters by.
 */
#ifndef IMAPD_SEARCH_CHARSET_H
#define IMAPD_SEARCH_CHARSET_H

#include "common/base/str.h"

#define SEARCH_CHARSETS                                                                            \
	"UTF-8 US-ASCII ISO-8859-1 ISO-8859-2 ISO-8859-3 ISO-8859-4 ISO-8859-5 ISO-8859-6 "        \
	"ISO-8859-7 ISO-8859-8 ISO-8859-9 ISO-8859-10 ISO-8859-13 ISO-8859-14 ISO-8859-15 "        \
	"ISO-8859-16 WINDOWS-1250 WINDOWS-1251 WINDOWS-1252 WINDOWS-1253 WINDOWS-1254 "            \
	"WINDOWS-1255 WINDOWS-1256 WINDOWS-1257 WINDOWS-1258 KOI8-R KOI8-U TIS-620 ISO-2022-JP "   \
	"SHIFT_JIS EUC-JP GB2312 GBK GB18030 BIG5 ISO-2022-KR EUC-KR"

/* One of them, or another name of one. */
bool search_charset_is_known(struct str name);

#endif
