/* ctl/ports.h - the ports a configuration opens, and whether they answer. */
#ifndef CTL_PORTS_H
#define CTL_PORTS_H

#include "common/base/arena.h"
#include "common/base/conf.h"

struct port {
	const char *daemon; /* "imapd" */
	const char *name; /* "imaps" */
	const char *listen; /* the address of the configuration */
	const char *address; /* that a client on this host uses */
	uint16_t number;
	bool implicit_tls;
	bool optional; /* part of "all addresses": this host may lack that family */
};

/* Every port of `c` on every address, in `arena`. */
NODISCARD enum err ports_list(
    const struct conf *c, struct arena *arena, struct port **ret, size_t *ret_n);

/* Whether `c` has that port open, or, for the name "figures", that of the daemon's figures. */
bool ports_has(const struct conf *c, const char *daemon, const char *name);

#define PORT_ANSWER_MS 3000

enum port_state { PORT_ANSWERS, PORT_SILENT, PORT_CLOSED, PORT_NO_FAMILY };

/* Connects and waits for the greeting, behind TLS where it is implicit. */
enum port_state port_probe(const struct port *p, const char *hostname);

#endif
