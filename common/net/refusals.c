#include "common/net/refusals.h"

#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "common/net/hub.h"

static const char *const limit_names[REFUSALS_LIMITS] = {"max_connections",
    "max_connections_per_address", "max_memory", "max_connections_per_network",
    "max_logins_per_network"};

const char *
refusals_limit(size_t i)
{
	return i < ARRAY_LEN(limit_names) ? limit_names[i] : NULL;
}

static size_t
index_of(const char *limit)
{
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(limit_names) && strcmp(limit, limit_names[i]) != 0)
		i++;
	return i;
}

void
refusals_note(struct refusals *r, const struct refusal *what)
{
	size_t limit = index_of(what->limit);
	char address[CONN_ADDRESS_TEXT];
	uint64_t withheld;

	METRICS_COUNT(connections_refused, limit);
	if (!log_ration_takes(&r->rations[what->listener][limit], REFUSALS_A_MINUTE, &withheld))
		return;
	conn_address_text(what->peer, address, sizeof(address));
	log_warn("connection_refused", F_CSTR("listener", what->listener_name),
	    F_CSTR("peer", address), F_ERR(what->why), F_CSTR("limit", what->limit),
	    F_UINT("open", what->open), F_UINT("withheld", withheld));
}
