#include "smtpd/outbound/route_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

/* "IPv6:" and an address with its zone's name is longer than any that is right. */
#define ADDRESS_TEXT_MAX 60

struct network {
	unsigned char octets[16];
	unsigned bits;
};

/* RFC 6890 and its registries, but for those that only documentation uses. */
static const struct network private_v4[] = {
    {{0}, 8}, /* this network; 0.0.0.0 is loopback to the kernel */
    {{10}, 8},
    {{100, 64}, 10}, /* a carrier's own */
    {{127}, 8},
    {{169, 254}, 16},
    {{172, 16}, 12},
    {{192, 0, 0}, 24},
    {{192, 168}, 16},
    {{198, 18}, 15},
    {{224}, 4}, /* multicast */
    {{240}, 4},
};
static const struct network private_v6[] = {
    {{0}, 127}, /* unspecified and loopback */
    {{0x01}, 64}, /* discarded */
    {{0xfc}, 7}, {{0xfe, 0x80}, 10}, {{0xfe, 0xc0}, 10}, {{0xff}, 8}, /* multicast */
};
/* IPv6 prefixes with an IPv4 address behind them: mapped, compatible, NAT64. */
static const struct network holds_v4[] = {
    {{[10] = 0xff, 0xff}, 96},
    {{0}, 96},
    {{0, 0x64, 0xff, 0x9b}, 96},
};

static bool
is_in(const unsigned char *octets, const struct network *n)
{
	size_t whole = n->bits / 8;
	unsigned rest = n->bits % 8;

	if (memcmp(octets, n->octets, whole) != 0)
		return false;
	return rest == 0 || (octets[whole] ^ n->octets[whole]) >> (8 - rest) == 0;
}

static bool
is_in_any(const unsigned char *octets, const struct network *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_in(octets, &list[i]))
			return true;
	return false;
}

bool
route_is_private(const struct sockaddr_storage *a)
{
	if (a->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)a;
		return is_in_any(
		    (const unsigned char *)&in->sin_addr, private_v4, ARRAY_LEN(private_v4));
	}
	const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)a;
	const unsigned char *octets = in->sin6_addr.s6_addr;
	if (is_in_any(octets, private_v6, ARRAY_LEN(private_v6)))
		return true;
	if (is_in_any(octets, holds_v4, ARRAY_LEN(holds_v4)))
		return is_in_any(octets + 12, private_v4, ARRAY_LEN(private_v4));
	/* 6to4 (RFC 3056) has one in its prefix */
	return octets[0] == 0x20 && octets[1] == 0x02 &&
	       is_in_any(octets + 2, private_v4, ARRAY_LEN(private_v4));
}

void
route_address(struct str octets, uint16_t port, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (octets.n == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)ret;
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, octets.p, 4);
	} else {
		struct sockaddr_in6 *in = (struct sockaddr_in6 *)ret;
		in->sin6_family = AF_INET6;
		in->sin6_port = htons(port);
		memcpy(&in->sin6_addr, octets.p, 16);
	}
}

bool
route_parse_address(struct str text, uint16_t port, struct sockaddr_storage *ret)
{
	char copy[ADDRESS_TEXT_MAX], octets[16];
	struct str tag = STR("IPv6:");

	if (str_starts_nocase(text, tag))
		text = str_skip(text, tag.n);
	if (text.n == 0 || text.n >= sizeof(copy) || str_has_nul(text))
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if (inet_pton(AF_INET, copy, octets) == 1)
		route_address(str_make(octets, 4), port, ret);
	else if (inet_pton(AF_INET6, copy, octets) == 1)
		route_address(str_make(octets, 16), port, ret);
	else
		return false;
	return true;
}

/* -- our own ---------------------------------------------------------------------------------- */

static struct str
octets_of(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET)
		return str_make(&((const struct sockaddr_in *)a)->sin_addr, 4);
	return str_make(&((const struct sockaddr_in6 *)a)->sin6_addr, 16);
}

static bool
is_internet(const struct ifaddrs *i)
{
	/* loopback is everybody's own; route_is_private() has it */
	return i->ifa_addr && !(i->ifa_flags & IFF_LOOPBACK) &&
	       (i->ifa_addr->sa_family == AF_INET || i->ifa_addr->sa_family == AF_INET6);
}

enum err
own_addresses_read(struct own_addresses *ret)
{
	struct ifaddrs *all;
	size_t n = 0;

	if (getifaddrs(&all) < 0)
		return err_from_errno(errno);
	for (struct ifaddrs *i = all; i; i = i->ifa_next)
		n += is_internet(i);
	struct sockaddr_storage *a = calloc(n + 1, sizeof(*a));
	if (a) {
		*ret = (struct own_addresses){.a = a};
		for (struct ifaddrs *i = all; i; i = i->ifa_next)
			if (is_internet(i))
				route_address(octets_of(i->ifa_addr), 0, &a[ret->n++]);
	}
	freeifaddrs(all);
	return a ? ERR_OK : ERR_NOMEM;
}

void
own_addresses_done(struct own_addresses *o)
{
	free(o->a);
	*o = (struct own_addresses){0};
}

bool
own_addresses_have(const struct own_addresses *o, const struct sockaddr_storage *a)
{
	struct str wanted = octets_of((const struct sockaddr *)a);

	for (size_t i = 0; i < o->n; i++)
		if (str_eq(octets_of((const struct sockaddr *)&o->a[i]), wanted))
			return true;
	return false;
}
